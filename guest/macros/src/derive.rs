//! The WIT of a module, from its resolved signatures.

use crate::module::{Function, Module};
use crate::types::{Kind, Own, Param, Resolved, Ty, Types};

/// The package of tensors: a copy of the project's `wit/tensors.wit`, so that this crate stands alone.
const TENSORS: &str = include_str!("tensors.wit");

/// The interface of tensors, by its full name.
pub(crate) const TENSORS_ID: &str = "purefork:types/tensors@0.1.0";

/// A module's WIT. Names are escaped throughout (`%name`): a function may be called `list` or `record`.
pub(crate) struct Derived {
    pub(crate) text: String,
    pub(crate) world: String,
    /// The interface of the module's own types.
    pub(crate) interface: String,
    pub(crate) package: String,
}

/// The namespace of the packages made here.
pub(crate) const NAMESPACE: &str = "guest";

pub(crate) fn derive(module: &Module, types: &Types, package: &str, world: &str) -> Derived {
    let interface = format!("{world}-types");
    let writer = Writer { types, tensors: tensor_names(types) };
    let uses = writer.uses(&interface);
    let mut text = format!("package {NAMESPACE}:%{package};\n\n");
    if !types.own.is_empty() {
        writer.interface(&mut text, &interface);
    }
    text += &format!("world %{world} {{\n");
    indented(&mut text, "  ", &uses);
    text += "  import fork: interface {\n";
    indented(&mut text, "    ", &uses);
    for (_, signature) in module.functions().zip(types.functions()).filter(|(function, _)| !function.init) {
        writer.resource(&mut text, signature);
    }
    text += "  }\n";
    for (function, signature) in module.exported.iter().zip(&types.exported) {
        writer.export(&mut text, function, signature);
    }
    text += "}\n\n";
    text += &nested(TENSORS);
    Derived { text, world: world.to_owned(), interface, package: package.to_owned() }
}

struct Writer<'a> {
    types: &'a Types,
    /// What `tensor` and `tensor-type` are called here.
    tensors: (&'static str, &'static str),
}

impl Writer<'_> {
    fn interface(&self, text: &mut String, interface: &str) {
        *text += &format!("interface %{interface} {{\n");
        indented(text, "  ", &self.use_tensors());
        for own in &self.types.own {
            self.own(text, own);
        }
        *text += "}\n\n";
    }

    fn own(&self, text: &mut String, own: &Own) {
        docs(text, "  ", &own.docs);
        let keyword = match own.kind {
            Kind::Record => "record",
            Kind::Enum => "enum",
            Kind::Variant => "variant",
        };
        *text += &format!("  {keyword} %{} {{\n", own.name);
        for member in &own.members {
            docs(text, "    ", &member.docs);
            *text += &match (&member.ty, own.kind) {
                (Some(ty), Kind::Record) => format!("    %{}: {},\n", member.name, self.plain(ty)),
                (Some(ty), _) => format!("    %{}({}),\n", member.name, self.plain(ty)),
                (None, _) => format!("    %{},\n", member.name),
            };
        }
        *text += "  }\n";
    }

    fn resource(&self, text: &mut String, signature: &Resolved) {
        *text += &format!("    resource %{} {{\n", signature.name);
        *text += &format!("      constructor({});\n", self.params(&signature.params));
        let (wait, caught) = match &signature.output {
            Some(ty) => (format!(" -> {}", self.ty(ty)), self.ty(ty)),
            None => (String::new(), "_".to_owned()),
        };
        *text += &format!("      wait: func(){wait};\n      try-wait: func() -> result<{caught}, string>;\n    }}\n");
    }

    fn export(&self, text: &mut String, function: &Function, signature: &Resolved) {
        docs(text, "  ", &function.docs);
        let output = signature.output.as_ref().map_or(String::new(), |ty| format!(" -> {}", self.ty(ty)));
        *text += &format!("  export %{}: func({}){output};\n", signature.name, self.params(&signature.params));
    }

    fn params(&self, params: &[Param]) -> String {
        let params: Vec<String> =
            params.iter().map(|param| format!("%{}: {}", param.name, self.ty(&param.ty))).collect();
        params.join(", ")
    }

    /// A type in the world or in the interface `fork`, where own types may have another name.
    fn ty(&self, ty: &Ty) -> String {
        self.written(ty, &|own| used_name(self.types, &self.types.own[own]))
    }

    /// A type in the interface of the module's own types.
    fn plain(&self, ty: &Ty) -> String {
        self.written(ty, &|own| self.types.own[own].name.clone())
    }

    fn written(&self, ty: &Ty, own: &dyn Fn(usize) -> String) -> String {
        let inner = |ty: &Ty| self.written(ty, own);
        let side = |ty: &Option<Box<Ty>>| ty.as_ref().map_or("_".to_owned(), |ty| inner(ty));
        match ty {
            Ty::Plain(name) => (*name).to_owned(),
            Ty::List(ty) => format!("list<{}>", inner(ty)),
            Ty::Option(ty) => format!("option<{}>", inner(ty)),
            Ty::Result(None, None) => "result".to_owned(),
            Ty::Result(Some(ok), None) => format!("result<{}>", inner(ok)),
            Ty::Result(ok, err) => format!("result<{}, {}>", side(ok), side(err)),
            Ty::Tuple(types) => {
                let types: Vec<String> = types.iter().map(inner).collect();
                format!("tuple<{}>", types.join(", "))
            }
            Ty::Tensor => self.tensors.0.to_owned(),
            Ty::TensorType => self.tensors.1.to_owned(),
            Ty::Own(index) => format!("%{}", own(*index)),
        }
    }

    fn uses(&self, interface: &str) -> String {
        let mut text = self.use_tensors();
        if !self.types.own.is_empty() {
            let names = self.types.own.iter().map(|own| match used_name(self.types, own) {
                name if name == own.name => format!("%{name}"),
                name => format!("%{} as %{name}", own.name),
            });
            text += &format!("use %{interface}.{{{}}};\n", names.collect::<Vec<_>>().join(", "));
        }
        text
    }

    /// An interface that is named is an interface that is imported: it is, if a tensor is used anywhere.
    fn use_tensors(&self) -> String {
        let members = self.types.own.iter().flat_map(|own| &own.members).filter_map(|member| member.ty.as_ref());
        let mut all = members.chain(self.types.functions().flat_map(Resolved::types));
        match (all.any(Ty::is_tensor), self.tensors) {
            (false, _) => String::new(),
            (true, (TENSOR, TENSOR_TYPE)) => format!("use {TENSORS_ID}.{{{TENSOR}, {TENSOR_TYPE}}};\n"),
            (true, (tensor, ty)) => format!("use {TENSORS_ID}.{{{TENSOR} as {tensor}, {TENSOR_TYPE} as {ty}}};\n"),
        }
    }
}

const TENSOR: &str = "tensor";
const TENSOR_TYPE: &str = "tensor-type";

/// Other names, if the module has these itself.
fn tensor_names(types: &Types) -> (&'static str, &'static str) {
    let own = types.own.iter().map(|own| &own.name);
    let mut all = own.chain(types.functions().map(|function| &function.name));
    match all.any(|name| name == TENSOR || name == TENSOR_TYPE) {
        true => ("purefork-tensor", "purefork-tensor-type"),
        false => (TENSOR, TENSOR_TYPE),
    }
}

/// Where functions and types stand side by side, a type gives way to a function of the same name.
fn used_name(types: &Types, own: &Own) -> String {
    let mut name = own.name.clone();
    while types.functions().any(|function| function.name == name)
        || (name != own.name && types.own.iter().any(|other| other.name == name))
    {
        name += "-type";
    }
    name
}

fn indented(text: &mut String, indent: &str, lines: &str) {
    for line in lines.lines() {
        *text += &format!("{indent}{line}\n");
    }
}

fn docs(text: &mut String, indent: &str, lines: &[String]) {
    for line in lines {
        let space = if line.is_empty() || line.starts_with(' ') { "" } else { " " };
        *text += &format!("{indent}///{space}{line}\n");
    }
}

/// A file of one package, as a package within another's file.
fn nested(file: &str) -> String {
    let (before, rest) = file.split_once("package ").unwrap_or(("", file));
    let (id, body) = rest.split_once(';').unwrap_or((rest, ""));
    format!("{before}package {id} {{\n{body}}}\n")
}
