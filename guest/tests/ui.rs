//! What the compiler says of a module that cannot be a component. After a change: `TRYBUILD=overwrite cargo test --test ui`.

#[test]
fn what_wit_cannot_say_is_an_error_at_its_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
