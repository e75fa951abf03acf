use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("whippet-sink-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path) -> FileSink {
    FileSink::open(path, true, None).expect("a sink")
}

fn bytes(pieces: &[&'static [u8]]) -> Vec<Bytes> {
    pieces.iter().map(|piece| Bytes::from_static(piece)).collect()
}

fn committing<'a>(target: &'a Path, exclusive: bool, note: &'a Path) -> Commit<'a> {
    Commit { target, mode: None, exclusive, fsync: true, note }
}

#[test]
fn what_is_kept_is_hashed_and_written_behind() {
    let folder = Folder::new("kept");
    let (part, target, note) = (folder.at("a.part"), folder.at("a"), folder.at("a.part.json"));
    std::fs::write(&part, b"abXX").expect("a part");
    std::fs::write(&note, b"{}").expect("a note");
    let mut sink = open(&part);
    assert_eq!(sink.size(), 4);
    sink.begin(2, Some(HashAlgorithm::Sha256), None).expect("begun");
    sink.write(&bytes(&[b"", b"c", b"", b"d"])).expect("written");
    // SHA-256 of "abcd".
    let digest = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589".to_owned();
    assert_eq!(sink.finish(), Written { size: 4, digest: Some(digest) });
    sink.commit(committing(&target, false, &note)).expect("committed");
    assert_eq!(std::fs::read(&target).expect("the file"), b"abcd");
    assert!(!part.exists() && !note.exists());
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let folder = Folder::new("busy");
    let part = folder.at("a.part");
    let first = open(&part);
    let refused = FileSink::open(&part, true, None).err().expect("refused");
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::FileError, Some("EBUSY")), "{refused}");
    drop(first);
    open(&part);
}

#[test]
fn faults_have_the_systems_codes() {
    let folder = Folder::new("faults");
    std::fs::create_dir(folder.at("folder")).expect("a folder");
    std::fs::write(folder.at("file"), b"").expect("a file");
    let cases = [("none/a", "ENOENT"), ("file/a", "ENOTDIR"), ("folder", "EISDIR")];
    for (name, code) in cases {
        let refused = FileSink::open(&folder.at(name), true, None).err().expect(name);
        assert_eq!(refused.code(), Some(code), "{name}: {refused}");
    }
    assert_eq!(FileSink::open(&folder.at("none"), false, None).err().expect("none").code(), Some("ENOENT"));
}

#[test]
fn limits_and_names_that_are_taken() {
    let folder = Folder::new("limits");
    let (part, target) = (folder.at("a.part"), folder.at("a"));
    let mut sink = open(&part);
    sink.begin(0, None, Some(3)).expect("begun");
    sink.write(&bytes(&[b"abc"])).expect("as many as may be");
    assert_eq!(sink.write(&bytes(&[b"d"])).expect_err("one more").kind(), ErrorKind::ResponseTooLarge);
    std::fs::write(&target, b"old").expect("a file");
    let refused = sink.commit(committing(&target, true, &folder.at("note"))).expect_err("taken");
    assert_eq!(refused.code(), Some("EEXIST"));
    assert_eq!(std::fs::read(&target).expect("the file"), b"old");
    open(&part).discard(&folder.at("note")).expect("removed");
    assert!(!part.exists());
}
