//! The copies of the contract are the contract.

#[test]
fn the_package_of_types_is_the_same_everywhere() {
    let contract = include_str!("../../wit/tensors.wit");
    assert_eq!(include_str!("../macros/src/tensors.wit"), contract);
    assert_eq!(include_str!("wit/deps/purefork-types/tensors.wit"), contract);
}
