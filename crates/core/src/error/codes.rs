//! The codes that Node's own modules give to faults: of the system, by errno, and of TLS, by alert.

use rustls::AlertDescription;
use std::io;

/// The name of the errno or of the TLS alert, as `error.code` of Node's net module spells it.
pub(crate) fn io_code(error: &io::Error) -> Option<&'static str> {
    if let Some(code) = error.raw_os_error().and_then(errno_name) {
        return Some(code);
    }
    if let Some(code) = tls_code(error) {
        return Some(code);
    }
    IO_KIND_CODES.iter().find(|(kind, _)| *kind == error.kind()).map(|(_, code)| *code)
}

/// std appends ` (os error 111)`, which says nothing that the code does not.
pub(crate) fn io_text(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.rfind(" (os error ") {
        text.truncate(at);
    }
    // It goes on with a sentence: "connection refused". An abbreviation such as "I/O" stays.
    if let [first, second, ..] = text.as_bytes()
        && first.is_ascii_uppercase()
        && second.is_ascii_lowercase()
    {
        text[..1].make_ascii_lowercase();
    }
    text
}

const IO_KIND_CODES: [(io::ErrorKind, &str); 20] = [
    (io::ErrorKind::NotFound, "ENOENT"),
    (io::ErrorKind::AlreadyExists, "EEXIST"),
    (io::ErrorKind::FileTooLarge, "EFBIG"),
    (io::ErrorKind::IsADirectory, "EISDIR"),
    (io::ErrorKind::QuotaExceeded, "EDQUOT"),
    (io::ErrorKind::ReadOnlyFilesystem, "EROFS"),
    (io::ErrorKind::ResourceBusy, "EBUSY"),
    (io::ErrorKind::StorageFull, "ENOSPC"),
    (io::ErrorKind::ConnectionRefused, "ECONNREFUSED"),
    (io::ErrorKind::ConnectionReset, "ECONNRESET"),
    (io::ErrorKind::ConnectionAborted, "ECONNABORTED"),
    (io::ErrorKind::BrokenPipe, "EPIPE"),
    (io::ErrorKind::TimedOut, "ETIMEDOUT"),
    (io::ErrorKind::AddrInUse, "EADDRINUSE"),
    (io::ErrorKind::AddrNotAvailable, "EADDRNOTAVAIL"),
    (io::ErrorKind::HostUnreachable, "EHOSTUNREACH"),
    (io::ErrorKind::NetworkUnreachable, "ENETUNREACH"),
    (io::ErrorKind::PermissionDenied, "EACCES"),
    (io::ErrorKind::NotConnected, "ENOTCONN"),
    (io::ErrorKind::UnexpectedEof, "ECONNRESET"),
];

/// Faults for which `io::ErrorKind` has no name of its own.
#[cfg(unix)]
fn errno_name(errno: i32) -> Option<&'static str> {
    const NAMES: [(i32, &str); 14] = [
        (libc::EIO, "EIO"),
        (libc::ELOOP, "ELOOP"),
        (libc::ENODEV, "ENODEV"),
        (libc::ENXIO, "ENXIO"),
        (libc::ESPIPE, "ESPIPE"),
        (libc::ENOTDIR, "ENOTDIR"),
        (libc::ENAMETOOLONG, "ENAMETOOLONG"),
        (libc::EPROTOTYPE, "EPROTOTYPE"),
        (libc::EMFILE, "EMFILE"),
        (libc::ENFILE, "ENFILE"),
        (libc::ENOBUFS, "ENOBUFS"),
        (libc::EPERM, "EPERM"),
        (libc::EINVAL, "EINVAL"),
        (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    ];
    NAMES.iter().find(|(number, _)| *number == errno).map(|(_, name)| *name)
}

#[cfg(not(unix))]
fn errno_name(_errno: i32) -> Option<&'static str> {
    None
}

/// The code of a fault of TLS, in the handshake or after it. (In TLS 1.3 the want of a client certificate is told after it.)
fn tls_code(error: &io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(code_of_alert(*alert)),
        _ => Some("EPROTO"),
    }
}

/// The name that OpenSSL, and so Node's tls module, gives the alert.
pub(crate) fn code_of_alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::HandshakeFailure => "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        AlertDescription::ProtocolVersion => "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        AlertDescription::UnknownCA => "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
        AlertDescription::BadCertificate => "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
        AlertDescription::CertificateRequired => "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        AlertDescription::UnrecognisedName => "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
        AlertDescription::NoApplicationProtocol => NO_APPLICATION_PROTOCOL,
        AlertDescription::InternalError => "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR",
        _ => "EPROTO",
    }
}

/// The code of the alert that says that no version of HTTP was agreed upon.
pub(crate) const NO_APPLICATION_PROTOCOL: &str = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";

/// A guard refused an address. Our own: no system is asked.
pub(crate) const ADDRESS_FORBIDDEN: &str = "ERR_ADDRESS_FORBIDDEN";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_nodes() {
        let alert = |alert| io::Error::other(rustls::Error::AlertReceived(alert));
        let cases = [
            (io::Error::from(io::ErrorKind::ConnectionRefused), Some("ECONNREFUSED")),
            (io::Error::from(io::ErrorKind::UnexpectedEof), Some("ECONNRESET")),
            (alert(AlertDescription::UnknownCA), Some("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA")),
            (alert(AlertDescription::DecodeError), Some("EPROTO")),
            (io::Error::other(rustls::Error::DecryptError), Some("EPROTO")),
            (io::Error::other("something else"), None),
        ];
        for (error, code) in cases {
            assert_eq!(io_code(&error), code, "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_errno_goes_before_its_kind_and_leaves_the_text() {
        let error = io::Error::from_raw_os_error(libc::EMFILE);
        assert_eq!(io_code(&error), Some("EMFILE"));
        assert!(!io_text(&error).contains("os error"), "{}", io_text(&error));
    }
}
