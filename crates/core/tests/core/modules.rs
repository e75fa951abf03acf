//! The house itself: modules use each other in one direction, and nothing of Node is below them. Both are read from what is
//! there, so a new file needs no line here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// A module and its children count as one: the first name of a path below `src`.
fn module_of(file: &Path) -> Option<String> {
    let first = file.iter().next()?.to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (name != "lib").then(|| name.to_owned())
}

/// Every `crate::name` of the code, comments left out.
fn uses(text: &str) -> impl Iterator<Item = String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the sources are here");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn graph() -> Graph {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut graph = Graph::new();
    for file in files(&source) {
        let Some(module) = module_of(file.strip_prefix(&source).expect("below src")) else { continue };
        let text = std::fs::read_to_string(&file).expect("UTF-8");
        assert!(!text.contains("super::super::"), "{}: say crate:: instead, which this test reads", file.display());
        graph.entry(module.clone()).or_default().extend(uses(&text).filter(|used| *used != module));
    }
    graph
}

/// What is left when modules that use nothing, or only such as have left, are taken away: cycles, and what uses them.
fn knot(mut graph: Graph) -> Graph {
    loop {
        let free: Vec<String> =
            graph.iter().filter(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()).collect();
        if free.is_empty() {
            return graph;
        }
        for module in &free {
            graph.remove(module);
            graph.values_mut().for_each(|used| used.retain(|name| name != module));
        }
    }
}

#[test]
fn modules_use_each_other_in_one_direction() {
    let graph = graph();
    assert!(graph["client"].contains("pool") && graph["tls"].contains("error"), "uses are read: {graph:?}");
    let unknown: Vec<_> = graph.values().flatten().filter(|used| !graph.contains_key(*used)).collect();
    assert!(unknown.is_empty(), "a module is named in full, not by what lib.rs re-exports: {unknown:?}");
    assert_eq!(knot(graph), Graph::new(), "a cycle of modules, with those that use it");
}

#[test]
fn a_cycle_is_found() {
    let graph = |edges: &[(&str, &[&str])]| -> Graph {
        edges.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect())).collect()
    };
    assert_eq!(knot(graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), Graph::new());
    let cycle = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b", "d"]), ("d", &[])]);
    assert_eq!(knot(cycle).into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn the_core_knows_nothing_of_node() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "whippet-core",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let (shown, complaint) = (String::from_utf8_lossy(&tree.stdout), String::from_utf8_lossy(&tree.stderr));
    assert!(tree.status.success(), "{complaint}");
    assert!(shown.lines().any(|line| line.starts_with("hyper ")), "the tree is read: {shown}");
    let of_node: Vec<_> = shown.lines().filter(|line| line.starts_with("napi")).collect();
    assert!(of_node.is_empty(), "{of_node:?}");
}
