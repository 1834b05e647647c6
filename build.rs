//! The knowledge is part of the binary: a new file in `hooks/` is a reason to build again.

fn main() {
    println!("cargo:rerun-if-changed=hooks");
}
