//! What the values seen so far are folded to, of each group.

use purefork::Value;

/// A state for each group: none of a group that has seen no value.
#[derive(Debug, Default)]
pub(crate) struct States {
    values: Vec<Option<Value>>,
    /// What the values take beside their places.
    bytes: usize,
}

impl States {
    /// Has places for so many groups.
    pub(crate) fn resize(&mut self, groups: usize) {
        self.values.resize(groups, None);
    }

    pub(crate) fn get(&self, group: usize) -> Option<&Value> {
        self.values.get(group)?.as_ref()
    }

    pub(crate) fn set(&mut self, group: usize, value: Value) {
        let Some(place) = self.values.get_mut(group) else { return };
        let before = place.as_ref().map_or(0, bytes);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(bytes(&value));
        *place = Some(value);
    }

    /// Takes groups out: what `take` takes of their values.
    pub(crate) fn take(
        &mut self,
        take: impl FnOnce(&mut Vec<Option<Value>>) -> Vec<Option<Value>>,
    ) -> Vec<Option<Value>> {
        let taken = take(&mut self.values);
        let bytes = taken.iter().flatten().map(bytes).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        taken
    }

    /// About how many bytes all take.
    pub(crate) fn size(&self) -> usize {
        self.values.capacity() * size_of::<Option<Value>>() + self.bytes
    }
}

/// About what a value takes beside its place, in bytes.
fn bytes(value: &Value) -> usize {
    let whole = |value: &Value| size_of::<Value>() + bytes(value);
    match value {
        Value::String(text) => text.len(),
        Value::List(list) => list.iter().map(|value| whole(&value)).sum(),
        Value::Tuple(values) => values.iter().map(whole).sum(),
        Value::Record(fields) => fields.iter().map(|(_, value)| whole(value)).sum(),
        Value::Variant(_, Some(value))
        | Value::Option(Some(value))
        | Value::Result(Ok(Some(value)) | Err(Some(value))) => whole(value),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_take_is_counted_as_they_come_and_go() {
        let mut states = States::default();
        states.resize(3);
        let empty = states.size();
        states.set(0, Value::from("abc"));
        states.set(2, Value::from("de"));
        states.set(0, Value::from("f"));
        assert_eq!(states.size(), empty + 3);
        assert_eq!(states.get(0), Some(&Value::from("f")));
        assert_eq!(states.take(|values| values.drain(..1).collect()), [Some(Value::from("f"))]);
        assert_eq!((states.size(), states.get(1)), (empty + 2, Some(&Value::from("de"))));
        states.set(9, Value::from("none"));
        assert_eq!((states.get(9), states.size()), (None, empty + 2));
    }
}
