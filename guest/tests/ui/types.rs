//! Types that WIT does not have.

#[purefork_guest::module]
mod types {
    use std::collections::HashMap;

    pub fn size(value: usize) -> isize {
        value as isize
    }

    pub fn wide(value: u128) {}

    pub fn map(value: HashMap<String, u32>) {}

    pub fn boxed(value: Box<u32>) {}

    pub fn unknown(value: Elsewhere) {}

    pub fn of_another_module(value: super::Elsewhere) {}

    pub fn argument(value: impl Into<u32>) {}

    pub fn object(value: Box<dyn Fn()>) -> &'static dyn Send {
        &()
    }

    pub fn borrowed(value: &u32) {}

    pub fn borrowed_string(value: &String) {}

    pub fn changed(value: &mut [u8]) {}

    pub fn kept(value: &'static str) {}

    pub fn returned(value: u32) -> &str {
        ""
    }

    pub fn array(value: [u8; 4]) {}

    pub fn function(value: fn(u32) -> u32) {}

    pub fn pointer(value: *const u8) {}

    pub fn unit(value: ()) {}

    pub fn never() -> ! {
        loop {}
    }

    pub fn short(value: u32) -> std::io::Result<u32> {
        Ok(value)
    }

    pub fn generic_type(value: Generic<u32>) {}

    pub struct Generic<T> {
        value: T,
    }

    pub fn tuple_struct(value: Metres) {}

    pub struct Metres(f64);

    pub fn empty(value: Empty, other: Never) {}

    pub struct Empty {}

    pub enum Never {}

    pub fn several(value: Shape) {}

    pub enum Shape {
        Circle(f64),
        Rectangle(f64, f64),
        Named { name: String },
    }

    pub fn recursive(value: Tree) {}

    pub struct Tree {
        children: Vec<Tree>,
    }

    pub fn by_turns(value: Odd) {}

    pub enum Odd {
        Even(Option<Even>),
    }

    pub type Even = Vec<Odd>;

    pub fn slice_of_own(value: &[Point]) {}

    pub struct Point {
        x: f64,
    }

    pub fn inside(value: Vec<Result<u32, (String, usize)>>) {}
}

fn main() {}
