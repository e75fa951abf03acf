//! `Proxy-Authenticate`: several challenges in several lines, or several in one (RFC 9110 section 11.6.1).

/// One challenge: its scheme, and its parameters in their order. Names in lower case, values without their quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All challenges of one field value. What cannot be understood is skipped up to the next comma.
    pub(super) fn parse_all(value: &str) -> Vec<Challenge> {
        let mut challenges: Vec<Challenge> = Vec::new();
        let mut rest = Rest(value);
        loop {
            rest.skip(|c| matches!(c, ' ' | '\t' | ','));
            if rest.0.is_empty() {
                return challenges;
            }
            let word = rest.take(is_token).to_ascii_lowercase();
            rest.skip(is_blank);
            if !word.is_empty() && rest.eat('=') {
                rest.skip(is_blank);
                let value = rest.value();
                // Without a value it was a token68: `Negotiate abc==`.
                if let Some(challenge) = challenges.last_mut().filter(|_| value.chars().any(|c| c != '=')) {
                    challenge.parameters.push((word, value));
                }
            } else if !word.is_empty() {
                challenges.push(Challenge { scheme: word, parameters: Vec::new() });
                continue;
            }
            // Nothing that the grammar knows.
            rest.take(|c| c != ',');
        }
    }
}

struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !wanted(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, unwanted: impl Fn(char) -> bool) {
        self.take(unwanted);
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.0.strip_prefix(wanted).map(|rest| self.0 = rest).is_some()
    }

    /// A token or a quoted-string.
    fn value(&mut self) -> String {
        if !self.eat('"') {
            return self.take(|c| c != ',' && !is_blank(c)).to_owned();
        }
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.0.char_indices() {
            match c {
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return value;
                }
                _ => value.push(c),
            }
        }
        self.0 = "";
        value
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// RFC 9110 section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Vec<String> {
        let all = Challenge::parse_all(value);
        all.iter()
            .map(|one| {
                let parameters: Vec<String> = one.parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
                format!("{}({})", one.scheme, parameters.join(";"))
            })
            .collect()
    }

    #[test]
    fn challenges_are_told_apart() {
        let cases: [(&str, &[&str]); 14] = [
            (r#"Digest realm="r", nonce="n""#, &["digest(realm=r;nonce=n)"]),
            ("Digest realm=r, nonce=n", &["digest(realm=r;nonce=n)"]),
            (r#"Basic realm="a, b", Digest realm="c""#, &["basic(realm=a, b)", "digest(realm=c)"]),
            (
                r#"Negotiate, Digest REALM = "c" ,qop="auth,auth-int""#,
                &["negotiate()", "digest(realm=c;qop=auth,auth-int)"],
            ),
            (r#"Negotiate YWJj==, Basic realm="x""#, &["negotiate()", "basic(realm=x)"]),
            (r#"Digest realm="a\"b\\c""#, &[r#"digest(realm=a"b\c)"#]),
            (r#"Digest realm="open"#, &["digest(realm=open)"]),
            (r#"Digest realm="x\"#, &["digest(realm=x)"]),
            ("", &[]),
            (" , ,", &[]),
            ("realm=x", &[]),
            ("Digest realm=, nonce=n", &["digest(nonce=n)"]),
            ("{}, Basic realm=x", &["basic(realm=x)"]),
            ("Digest realm=é, nonce=n", &["digest(realm=é;nonce=n)"]),
        ];
        for (value, expected) in cases {
            assert_eq!(parsed(value), expected, "{value}");
        }
    }

    #[test]
    fn anything_ends_and_nothing_panics() {
        for piece in ["a=\"", "\\", ",", "=", "a ", "a b c=", "\"é\\", "Digest realm=\"x\" "] {
            let _ = Challenge::parse_all(&piece.repeat(8_000));
        }
    }
}
