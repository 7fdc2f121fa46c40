//! Types as Python has them: made once for each function, so that a call looks nothing up.

use purefork::inspect::TypeName;
use purefork::value::{Name, Tensor, Type, Typed};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString, PyType};

/// A type, and the Python classes of its values.
pub(crate) struct Shape {
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
}

/// What a type is in Python.
pub(crate) enum Kind {
    /// A number, a `bool`, a `str`; a 128-bit vector, which is `bytes`.
    Plain,
    List(Box<Shape>),
    Tuple(Vec<Shape>),
    /// A frozen dataclass.
    Record {
        class: Py<PyType>,
        fields: Vec<Field>,
    },
    /// A class with a frozen dataclass for each case.
    Variant {
        class: Py<PyType>,
        cases: Vec<Case>,
    },
    /// An `enum.Enum`.
    Enum {
        class: Py<PyType>,
        members: Vec<(Name, Py<PyAny>)>,
    },
    /// An `enum.Flag`.
    Flags {
        class: Py<PyType>,
        members: Vec<(Name, Py<PyAny>, u64)>,
    },
    /// `None`, or the value itself; a `Some` around it where the value may be `None`, too.
    Option {
        some: Box<Shape>,
        nested: bool,
    },
    Result {
        ok: Option<Box<Shape>>,
        err: Option<Box<Shape>>,
    },
    Tensor,
}

/// A field of a record.
pub(crate) struct Field {
    pub(crate) name: Name,
    /// The same as an attribute.
    pub(crate) attribute: Py<PyString>,
    pub(crate) shape: Shape,
}

/// A case of a variant.
pub(crate) struct Case {
    pub(crate) name: Name,
    pub(crate) class: Py<PyType>,
    pub(crate) payload: Option<Shape>,
}

/// Makes shapes; the classes are those of one module, `purefork._types.Types`.
pub(crate) struct Shapes<'py> {
    pub(crate) types: Bound<'py, PyAny>,
}

static ATTRIBUTE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

impl<'py> Shapes<'py> {
    fn py(&self) -> Python<'py> {
        self.types.py()
    }

    /// A type with the names that it and its parts have.
    pub(crate) fn shape(&self, ty: &Type, name: &TypeName) -> PyResult<Shape> {
        let inner = |ty: &Type, at: usize| self.shape(ty, name.part(at));
        let boxed = |ty: &Option<Type>, at: usize| ty.as_ref().map(|ty| inner(ty, at).map(Box::new)).transpose();
        let kind = match ty {
            _ if *ty == <Tensor as Typed>::ty() => Kind::Tensor,
            Type::List(element) => Kind::List(Box::new(inner(element, 0)?)),
            Type::Tuple(types) => {
                let shapes = types.iter().enumerate().map(|(at, ty)| inner(ty, at));
                Kind::Tuple(shapes.collect::<PyResult<_>>()?)
            }
            Type::Record(fields) => self.record(ty, fields, name)?,
            Type::Variant(cases) => self.variant(ty, cases, name)?,
            Type::Enum(names) => {
                let class = self.class("enum", ty, name, names)?;
                let member = |case: &Name| Ok((case.clone(), class.call1((&**case,))?.unbind()));
                Kind::Enum {
                    members: names.iter().map(member).collect::<PyResult<_>>()?,
                    class: class.cast_into::<PyType>()?.unbind(),
                }
            }
            Type::Flags(names) => {
                let class = self.class("flags", ty, name, names)?;
                let member = |(at, flag): (usize, &Name)| {
                    let bit = 1u64 << (at % 64);
                    Ok((flag.clone(), class.call1((bit,))?.unbind(), bit))
                };
                let members = names.iter().enumerate().map(member).collect::<PyResult<_>>()?;
                Kind::Flags { members, class: class.cast_into::<PyType>()?.unbind() }
            }
            Type::Option(some) => {
                let some = Box::new(inner(some, 0)?);
                let nested = matches!(some.kind, Kind::Option { .. });
                Kind::Option { some, nested }
            }
            Type::Result(types) => Kind::Result { ok: boxed(&types.0, 0)?, err: boxed(&types.1, 1)? },
            _ => Kind::Plain,
        };
        Ok(Shape { ty: ty.clone(), kind })
    }

    fn record(&self, ty: &Type, fields: &[(Name, Type)], name: &TypeName) -> PyResult<Kind> {
        let py = self.py();
        let shapes = fields.iter().enumerate().map(|(at, (_, ty))| self.shape(ty, name.part(at)));
        let shapes: Vec<Shape> = shapes.collect::<PyResult<_>>()?;
        let hints = shapes.iter().map(|shape| shape.hint(py)).collect::<PyResult<Vec<_>>>()?;
        let names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
        let class = self.class("record", ty, name, PyList::new(py, names.into_iter().zip(hints))?)?;
        let attribute = ATTRIBUTE.import(py, "purefork._types", "attribute")?;
        let fields = fields.iter().zip(shapes).map(|((name, _), shape)| {
            let attribute = attribute.call1((&**name,))?.cast_into::<PyString>()?.unbind();
            Ok(Field { name: name.clone(), attribute, shape })
        });
        Ok(Kind::Record { fields: fields.collect::<PyResult<_>>()?, class: class.cast_into::<PyType>()?.unbind() })
    }

    fn variant(&self, ty: &Type, cases: &[(Name, Option<Type>)], name: &TypeName) -> PyResult<Kind> {
        let py = self.py();
        let payload = |(at, (_, ty)): (usize, &(Name, Option<Type>))| {
            ty.as_ref().map(|ty| self.shape(ty, name.part(at))).transpose()
        };
        let payloads: Vec<Option<Shape>> = cases.iter().enumerate().map(payload).collect::<PyResult<_>>()?;
        let hints = payloads.iter().map(|shape| shape.as_ref().map(|shape| shape.hint(py)).transpose());
        let hints = hints.collect::<PyResult<Vec<_>>>()?;
        let names: Vec<&str> = cases.iter().map(|(name, _)| &**name).collect();
        let class = self.class("variant", ty, name, PyList::new(py, names.into_iter().zip(hints))?)?;
        let case = |((name, _), payload): (&(Name, Option<Type>), Option<Shape>)| {
            let class = class.call_method1("_case", (&**name,))?.cast_into::<PyType>()?.unbind();
            Ok(Case { name: name.clone(), class, payload })
        };
        let cases = cases.iter().zip(payloads).map(case).collect::<PyResult<_>>()?;
        Ok(Kind::Variant { cases, class: class.cast_into::<PyType>()?.unbind() })
    }

    /// The module's class of that kind and name; made if it is new.
    fn class(&self, kind: &str, ty: &Type, name: &TypeName, parts: impl IntoParts<'py>) -> PyResult<Bound<'py, PyAny>> {
        let parts = parts.into_parts(self.py())?;
        let args = (name.name.as_deref(), name.interface.as_deref(), name.docs.as_deref(), ty.to_string(), parts);
        self.types.call_method1(kind, args)
    }
}

/// Names, or names with something beside each.
trait IntoParts<'py> {
    fn into_parts(self, py: Python<'py>) -> PyResult<Bound<'py, PyList>>;
}

impl<'py> IntoParts<'py> for Bound<'py, PyList> {
    fn into_parts(self, _: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        Ok(self)
    }
}

impl<'py> IntoParts<'py> for &std::sync::Arc<[Name]> {
    fn into_parts(self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.iter().map(|name| &**name))
    }
}

impl Shape {
    /// What stands in a signature: a class, or a text such as `list[int]`.
    pub(crate) fn hint(&self, py: Python<'_>) -> PyResult<String> {
        let name = |class: &Py<PyType>| class.bind(py).getattr("__qualname__")?.extract::<String>();
        Ok(match &self.kind {
            Kind::Plain => match &self.ty {
                Type::F32 | Type::F64 => "float",
                Type::Bool => "bool",
                Type::Char | Type::String => "str",
                Type::V128 => "bytes",
                _ => "int",
            }
            .to_owned(),
            Kind::List(element) => match &element.ty {
                Type::U8 => "bytes".to_owned(),
                _ => format!("list[{}]", element.hint(py)?),
            },
            Kind::Tuple(shapes) if shapes.is_empty() => "None".to_owned(),
            Kind::Tuple(shapes) => {
                let hints = shapes.iter().map(|shape| shape.hint(py)).collect::<PyResult<Vec<_>>>()?;
                format!("tuple[{}]", hints.join(", "))
            }
            Kind::Record { class, .. }
            | Kind::Variant { class, .. }
            | Kind::Enum { class, .. }
            | Kind::Flags { class, .. } => name(class)?,
            Kind::Option { some, nested: false } => format!("{} | None", some.hint(py)?),
            Kind::Option { some, nested: true } => format!("Some[{}] | None", some.hint(py)?),
            Kind::Result { ok, err } => {
                let hint =
                    |shape: &Option<Box<Shape>>| shape.as_ref().map_or(Ok("None".to_owned()), |shape| shape.hint(py));
                format!("Ok[{}] | Err[{}]", hint(ok)?, hint(err)?)
            }
            Kind::Tensor => "Tensor".to_owned(),
        })
    }
}
