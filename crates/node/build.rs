fn main() {
    napi_build::setup();
    // A worker thread that alone loaded the addon unloads it when it ends, while a resolver thread may still sit in
    // `getaddrinfo`. A library that is never unmapped cannot pull the code from under it.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
