//! The kinds of `whippet_core::ErrorKind`, by the names of the JavaScript classes.

use napi_derive::napi;

/// What went wrong in an exchange: the name of the error's class.
#[napi(string_enum)]
#[derive(Debug)]
pub enum ErrorKind {
    PoolTimeout,
    ConnectTimeout,
    WriteTimeout,
    ReadTimeout,
    TotalTimeout,
    ConnectError,
    WriteError,
    ReadError,
    CloseError,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseTooLarge,
    ProxyError,
    DecodingError,
    FileError,
    // A panic: a fault of this code.
    InternalError,
}

impl From<whippet_core::ErrorKind> for ErrorKind {
    fn from(kind: whippet_core::ErrorKind) -> Self {
        use whippet_core::ErrorKind as Core;
        match kind {
            Core::PoolTimeout => ErrorKind::PoolTimeout,
            Core::ConnectTimeout => ErrorKind::ConnectTimeout,
            Core::WriteTimeout => ErrorKind::WriteTimeout,
            Core::ReadTimeout => ErrorKind::ReadTimeout,
            Core::TotalTimeout => ErrorKind::TotalTimeout,
            Core::ConnectError => ErrorKind::ConnectError,
            Core::WriteError => ErrorKind::WriteError,
            Core::ReadError => ErrorKind::ReadError,
            Core::CloseError => ErrorKind::CloseError,
            Core::LocalProtocolError => ErrorKind::LocalProtocolError,
            Core::RemoteProtocolError => ErrorKind::RemoteProtocolError,
            Core::ResponseTooLarge => ErrorKind::ResponseTooLarge,
            Core::ProxyError => ErrorKind::ProxyError,
            Core::DecodingError => ErrorKind::DecodingError,
            Core::FileError => ErrorKind::FileError,
        }
    }
}
