//! The head of a request as JavaScript packs it: one text, in latin-1. Nothing of Node is in here, so that fuzzing, miri and tests
//! can have it. What may be in a line and what may not, the core decides when it writes it.

use bytes::Bytes;
use http::Method;
use whippet_core::{Error, ErrorKind, FieldLines, Origin};

/// `method \n origin \n request-target \n name \n value \n …`, taken apart.
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    pub(crate) target: Bytes,
    pub(crate) fields: FieldLines,
}

impl Head {
    pub(crate) fn parse(text: Vec<u8>) -> Result<Head, Error> {
        let text = Bytes::from(text);
        let bad = |what: &str| Error::new(ErrorKind::LocalProtocolError, format!("illegal {what} in the request head"));
        let mut rest = text.clone();
        let mut line = |what: &str| -> Result<Bytes, Error> {
            let end = rest.iter().position(|b| *b == b'\n').ok_or_else(|| bad(what))?;
            let line = rest.split_to(end);
            let _ = rest.split_to(1);
            Ok(line)
        };
        let method = Method::from_bytes(&line("method")?).map_err(|_| bad("method"))?;
        let origin = line("origin")?;
        let origin = Origin::parse(std::str::from_utf8(&origin).map_err(|_| bad("origin"))?)?;
        let target = line("request target")?;
        Ok(Head { method, origin, target, fields: FieldLines::new(rest) })
    }
}
