//! A module without a function.

#[purefork_guest::module]
mod empty {
    fn private() {}
}

fn main() {}
