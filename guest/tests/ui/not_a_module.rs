//! The attribute is for modules.

#[purefork_guest::module]
fn function() {}

#[purefork_guest::module(world = "w")]
mod without_wit {
    pub fn f() {}
}

#[purefork_guest::module(wit = "tests/wit", wurld = "example")]
mod misspelt {
    pub fn f() {}
}

fn main() {}
