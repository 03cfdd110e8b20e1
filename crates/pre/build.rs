//! Tells the crate whether it is optimized: the vector kernel isn't fast without, and takes too much of the stack.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(unoptimized)");
    if std::env::var("OPT_LEVEL").as_deref() == Ok("0") {
        println!("cargo::rustc-cfg=unoptimized");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
