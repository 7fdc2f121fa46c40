//! Names that WIT does not have, or has once.

#[purefork_guest::module]
mod names {
    pub fn _hidden() {}

    pub fn version_2() {}

    pub fn größe() {}

    pub fn wait() {}

    pub fn merge_sort() {}

    #[allow(non_snake_case)]
    pub fn mergeSort() {}

    pub fn parameters(_a: u32, b_1: u32, c: u32, C: u32) {}

    pub fn record(value: Record) {}

    pub struct Record {
        first_name: String,
        firstName: String,
        _padding: u32,
        r#gen: u32,
    }

    pub fn variant(value: Version) {}

    pub enum Version {
        V_1,
        V1,
    }
}

fn main() {}
