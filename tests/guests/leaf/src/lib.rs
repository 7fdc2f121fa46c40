//! Functions that do not fork, on strings and lists.

/// The guest.
#[purefork_guest::module]
pub mod leaf {
    /// The number of characters.
    pub fn strlen(text: String) -> u32 {
        text.chars().count() as u32
    }

    /// The text in capitals.
    pub fn shout(text: String) -> String {
        text.to_uppercase()
    }

    /// The bytes as they are.
    pub fn bytes(value: Vec<u8>) -> Vec<u8> {
        value
    }

    /// The numbers as they are.
    pub fn floats(value: Vec<f32>) -> Vec<f32> {
        value
    }
}
