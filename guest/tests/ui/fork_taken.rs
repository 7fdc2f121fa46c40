//! The name `fork` is the generated module's.

#[purefork_guest::module]
mod taken {
    pub fn fork() {}

    mod fork {}

    pub fn other() {}

    extern "purefork" {
        fn other();
    }
}

fn main() {}
