//! Values and types for `serde`: the feature of that name.
//!
//! A value comes back bit for bit, also from a format that is text. There a float is a string: JSON has no `nan`, and not every
//! reader of it rounds as it should.

use super::Type;
use super::wire::Form;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Form::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Type, D::Error> {
        Form::deserialize(from)
    }
}

/// A float: in text as `1.5`, `inf`, or, if it is no number, as the bits that it has.
#[derive(Clone, Copy)]
pub(super) struct Float<T>(T);

macro_rules! floats {
    ($($float:ident $bits:ident)*) => {$(
        impl Serialize for Float<$float> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self.0 {
                    value if !to.is_human_readable() => value.serialize(to),
                    value if value.is_nan() => to.collect_str(&format_args!("{:#x}", value.to_bits())),
                    value => to.collect_str(&format_args!("{value:?}")),
                }
            }
        }

        impl<'de> Deserialize<'de> for Float<$float> {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if !from.is_human_readable() {
                    return $float::deserialize(from).map(Float);
                }
                let text = String::deserialize(from)?;
                let value = match text.strip_prefix("0x") {
                    Some(bits) => $bits::from_str_radix(bits, 16).ok().map($float::from_bits),
                    None => text.parse().ok(),
                };
                value.map(Float).ok_or_else(|| D::Error::custom(format!("expected a float, but was given `{text}`")))
            }
        }
    )*};
}

floats!(f32 u32 f64 u64);

/// For `#[serde(with)]`.
pub(super) mod float {
    use super::*;

    pub(in super::super) fn serialize<T: Copy, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error>
    where
        Float<T>: Serialize,
    {
        Float(*value).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T, D: Deserializer<'de>>(from: D) -> Result<T, D::Error>
    where
        Float<T>: Deserialize<'de>,
    {
        Float::deserialize(from).map(|Float(value)| value)
    }
}

/// The same for many.
pub(super) mod floats {
    use super::super::elements::Elements;
    use super::*;

    pub(in super::super) fn serialize<T: Copy, S: Serializer>(values: &Elements<T>, to: S) -> Result<S::Ok, S::Error>
    where
        Float<T>: Serialize,
    {
        to.collect_seq(values.iter().map(|value| Float(*value)))
    }

    pub(in super::super) fn deserialize<'de, T, D: Deserializer<'de>>(from: D) -> Result<Elements<T>, D::Error>
    where
        Float<T>: Deserialize<'de>,
    {
        let values = Vec::<Float<T>>::deserialize(from)?;
        Ok(values.into_iter().map(|Float(value)| value).collect::<Vec<T>>().into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{List, Value};
    use super::*;

    #[test]
    fn values_are_written_so() {
        for (value, text) in [
            (Value::I32(-1), r#"{"i32":-1}"#),
            (Value::F32(0.1), r#"{"f32":"0.1"}"#),
            (Value::F64(1e300), r#"{"f64":"1e300"}"#),
            (Value::F64(-0.0), r#"{"f64":"-0.0"}"#),
            (Value::F64(f64::NEG_INFINITY), r#"{"f64":"-inf"}"#),
            (Value::F64(f64::from_bits(0x7ff8_0000_0000_0001)), r#"{"f64":"0x7ff8000000000001"}"#),
            (Value::V128([7; 16]), r#"{"v128":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7]}"#),
            (Value::from(vec![1.5f32, f32::NAN]), r#"{"list":{"f32":["1.5","0x7fc00000"]}}"#),
            (Value::List(List::from(vec![Value::from("a")])), r#"{"list":{"values":[{"string":"a"}]}}"#),
            (Value::record([("x", Value::from(true))]), r#"{"record":[["x",{"bool":true}]]}"#),
            (Value::unit(), r#"{"tuple":[]}"#),
            (Value::variant("all", None), r#"{"variant":["all",null]}"#),
            (Value::from(Some(Value::Option(None))), r#"{"option":{"option":null}}"#),
            (Value::Result(Err(None)), r#"{"result":{"Err":null}}"#),
            (Value::Flags(["a".into()].into()), r#"{"flags":["a"]}"#),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            assert_eq!(serde_json::from_str::<Value>(text).unwrap(), value);
        }
        let ty = Type::record([("x", Type::list(Type::S32)), ("y", Type::result(None, Some(Type::F64)))]);
        let text = r#"{"record":[["x",{"list":"s32"}],["y",{"result":[null,"f64"]}]]}"#;
        assert_eq!(serde_json::to_string(&ty).unwrap(), text);
        assert_eq!(serde_json::from_str::<Type>(text).unwrap(), ty);
        let error = serde_json::from_str::<Value>(r#"{"f32":"one"}"#).unwrap_err();
        assert_eq!(error.to_string(), "expected a float, but was given `one`");
    }
}
