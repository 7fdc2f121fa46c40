//! One walk over the bytes of a valid module: what is imported and exported, who calls whom, who writes.

use std::collections::{BTreeSet, HashSet};

use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, Export, FuncType, FunctionBody, Operator, Parser, Payload,
    TableInit, TypeRef,
};

use super::calls::Calls;
use super::classes::Classes;
use super::declared;
use super::operators::{self, Effect, Item};
use crate::audit::features::Valid;
use crate::audit::names::Names;
use crate::escape::escaped;
use crate::ir::Counts;
use crate::ir::NoReturn;

/// The most names of custom sections that are kept.
const MAX_CUSTOM: usize = 100;

/// An import, of any kind.
#[derive(Clone, Copy)]
pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    pub(super) ty: TypeRef,
    pub(super) offset: usize,
    /// Its node in the graph of calls.
    pub(super) node: u32,
    /// What it is, if it is known to do nothing but end the call.
    pub(super) no_return: Option<NoReturn>,
    /// Whether it is one of WASI 0.1 that takes 64-bit integers in two halves.
    pub(super) is_split: bool,
}

/// An operator that guests do not have; the first one of its proposal.
pub(super) struct Refused {
    pub(super) proposal: &'static str,
    pub(super) operator: String,
    pub(super) function: Option<u32>,
    pub(super) offset: usize,
}

/// The first operator of a function that changes state.
pub(super) struct Written {
    pub(super) function: u32,
    pub(super) what: &'static str,
    /// As [`operators::name`] gives it.
    pub(super) operator: &'static str,
    pub(super) offset: usize,
}

/// What the walk found.
pub(super) struct Scan<'a> {
    pub(super) imports: Vec<Import<'a>>,
    /// The imports that are functions, as places in `imports`; the place here is the function's index.
    pub(super) imported_functions: Vec<usize>,
    pub(super) exports: Vec<(Export<'a>, usize)>,
    pub(super) start: Option<u32>,
    pub(super) calls: Calls,
    /// The functions that change state, in the order of their indices.
    pub(super) written: Vec<Written>,
    pub(super) refused: Vec<Refused>,
    pub(super) names: Names<'a>,
    pub(super) counts: Counts,
    pub(super) custom_sections: Vec<String>,
    pub(super) component_type: bool,
    /// What the first section says that gives functions types beyond numbers.
    pub(super) lifted: Option<&'a [u8]>,
    /// Where the bodies of the defined functions end, in the order of the functions.
    body_ends: Vec<usize>,
    code_start: usize,
    /// The number of functions, imported ones included, and of distinct function types: together the first
    /// nodes of the graph.
    pub(super) functions: u32,
    pub(super) distinct_types: u32,
}

impl Scan<'_> {
    /// The function whose body is at this place in the file.
    pub(super) fn function_at(&self, offset: usize) -> Option<u32> {
        if offset < self.code_start {
            return None;
        }
        let defined = self.body_ends.partition_point(|end| *end <= offset);
        (defined < self.body_ends.len()).then(|| (self.imported_functions.len() + defined) as u32)
    }

    /// The node that stands for what happens at instantiation without any function.
    pub(super) fn instantiation(&self) -> u32 {
        self.functions + self.distinct_types + (self.imports.len() - self.imported_functions.len()) as u32
    }
}

/// Walks over the module that `valid` is the proof for.
pub(super) fn scan<'a>(bytes: &'a [u8], valid: &Valid) -> Result<Scan<'a>, wasmparser::Error> {
    let mut walk = Walk::new(valid);
    let mut parser = Parser::new(0);
    parser.set_features(valid.features);
    for payload in parser.parse_all(bytes) {
        walk.payload(payload?)?;
    }
    Ok(walk.finish())
}

struct Walk<'a, 'v> {
    scan: Scan<'a>,
    valid: &'v Valid,
    /// An indirect call reaches the functions of one class.
    classes: Classes,
    /// For each type, the node of its class.
    type_nodes: Vec<u32>,
    /// By node: the last function, plus one, that an edge leads to it from.
    seen: Vec<u32>,
    taken: Vec<bool>,
    /// By kind of item and index: the nodes of the imports that are not functions.
    imported: [Vec<u32>; 4],
    instantiation: BTreeSet<u32>,
    custom: HashSet<&'a str>,
    next_function: u32,
}

impl<'a, 'v> Walk<'a, 'v> {
    fn new(valid: &'v Valid) -> Self {
        let functions = valid.types.as_ref().function_count();
        let type_count = valid.types.as_ref().core_type_count_in_module();
        let classes = Classes::new(valid);
        let node = |ty: Option<&FuncType>| ty.and_then(|ty| classes.of(ty)).map_or(u32::MAX, |class| functions + class);
        let type_nodes = (0..type_count).map(|index| node(valid.type_at(index))).collect();
        let distinct_types = classes.count;
        let scan = Scan {
            imports: Vec::new(),
            imported_functions: Vec::new(),
            exports: Vec::new(),
            start: None,
            calls: Calls::new(),
            written: Vec::new(),
            refused: Vec::new(),
            names: Names::default(),
            counts: Counts { types: type_count.into(), ..Counts::default() },
            custom_sections: Vec::new(),
            component_type: false,
            lifted: None,
            body_ends: Vec::new(),
            code_start: usize::MAX,
            functions,
            distinct_types,
        };
        Self {
            scan,
            valid,
            classes,
            type_nodes,
            seen: vec![0; (functions + distinct_types) as usize],
            taken: vec![false; functions as usize],
            imported: Default::default(),
            instantiation: BTreeSet::new(),
            custom: HashSet::new(),
            next_function: 0,
        }
    }

    fn payload(&mut self, payload: Payload<'a>) -> Result<(), wasmparser::Error> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports_with_offsets() {
                    let (offset, import) = import?;
                    self.import(import, offset);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.scan.counts.tables += 1;
                    if let TableInit::Expr(init) = table?.init {
                        self.constant(&init)?;
                    }
                }
            }
            Payload::MemorySection(section) => self.scan.counts.memories = section.count().into(),
            Payload::GlobalSection(section) => {
                for global in section {
                    self.scan.counts.globals += 1;
                    self.constant(&global?.init_expr)?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section.into_iter_with_offsets() {
                    let (offset, export) = export?;
                    self.scan.exports.push((export, offset));
                }
                self.scan.counts.exports = self.scan.exports.len() as u64;
            }
            Payload::StartSection { func, .. } => self.scan.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    self.scan.counts.elements += 1;
                    self.element(element?)?;
                }
            }
            Payload::CodeSectionStart { count, range, .. } => {
                self.scan.counts.functions = count.into();
                self.scan.code_start = range.start;
            }
            Payload::CodeSectionEntry(body) => self.body(&body)?,
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    self.scan.counts.data += 1;
                    self.scan.counts.data_bytes += data.data.len() as u64;
                    if let DataKind::Active { memory_index, offset_expr } = data.kind {
                        self.at_instantiation(Item::Memory(memory_index));
                        self.constant(&offset_expr)?;
                    }
                }
            }
            Payload::CustomSection(section) => {
                if section.name() == crate::ir::lifted::SECTION {
                    self.scan.lifted.get_or_insert(section.data());
                }
                self.scan.component_type |= section.name().starts_with("component-type");
                if self.custom.len() < MAX_CUSTOM && self.custom.insert(section.name()) {
                    self.scan.custom_sections.push(escaped(section.name()));
                }
                if section.name() == "name" {
                    self.scan.names.read(&section.as_known(), self.scan.functions as usize);
                }
            }
            // Validated, and nothing in them calls or writes.
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'a>, offset: usize) {
        let scan = &mut self.scan;
        let others = scan.imports.len() - scan.imported_functions.len();
        let mut node = scan.functions + scan.distinct_types + others as u32;
        let kind = match import.ty {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => {
                node = scan.imported_functions.len() as u32;
                scan.imported_functions.push(scan.imports.len());
                self.next_function = node + 1;
                scan.counts.imported_functions += 1;
                scan.calls.close();
                None
            }
            TypeRef::Memory(_) => Some(0),
            TypeRef::Table(_) => Some(1),
            TypeRef::Global(_) => Some(2),
            TypeRef::Tag(_) => Some(3),
        };
        if let Some(kind) = kind {
            let nodes: &mut Vec<u32> = &mut self.imported[kind];
            nodes.push(node);
            self.seen.push(0);
        }
        let wasmparser::Import { module, name, ty } = import;
        let no_return = match ty {
            TypeRef::Func(index) => self.valid.type_at(index).and_then(|ty| declared::no_return(module, name, ty)),
            TypeRef::FuncExact(_) | TypeRef::Memory(_) | TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {
                None
            }
        };
        let is_split = match ty {
            TypeRef::Func(index) => self.valid.type_at(index).is_some_and(|ty| declared::is_split(module, name, ty)),
            _ => false,
        };
        scan.imports.push(Import { module, name, ty, offset, node, no_return, is_split });
    }

    fn element(&mut self, element: wasmparser::Element<'a>) -> Result<(), wasmparser::Error> {
        if let ElementKind::Active { table_index, offset_expr } = element.kind {
            self.at_instantiation(Item::Table(table_index.unwrap_or(0)));
            self.constant(&offset_expr)?;
        }
        match element.items {
            ElementItems::Functions(functions) => {
                for function in functions {
                    self.take(function?);
                }
            }
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions {
                    self.constant(&expression?)?;
                }
            }
        }
        Ok(())
    }

    fn constant(&mut self, expression: &ConstExpr<'a>) -> Result<(), wasmparser::Error> {
        let mut operators = expression.get_operators_reader();
        while !operators.eof() {
            let (op, offset) = operators.read_with_offset()?;
            self.effect(&op, None, offset);
            operators::items(&op, &mut |item| self.at_instantiation(item));
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'a>) -> Result<(), wasmparser::Error> {
        let function = self.next_function;
        self.next_function += 1;
        self.scan.counts.code_bytes += body.range().len() as u64;
        self.scan.body_ends.push(body.range().end);
        let any_imported = self.imported.iter().any(|nodes| !nodes.is_empty());
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (op, offset) = operators.read_with_offset()?;
            self.effect(&op, Some(function), offset);
            if any_imported {
                operators::items(&op, &mut |item| {
                    if let Some(node) = self.node(item) {
                        self.edge(function, node);
                    }
                });
            }
        }
        self.scan.calls.close();
        Ok(())
    }

    fn effect(&mut self, op: &Operator<'a>, function: Option<u32>, offset: usize) {
        match (operators::effect(op), function) {
            (Effect::Pure, _) | (Effect::Allocates(_), None) => {}
            (Effect::Takes(taken), _) => self.take(taken),
            (Effect::Calls(callee), Some(function)) => self.edge(function, callee),
            (Effect::CallsType(ty), Some(function)) => {
                let node = self.type_nodes.get(ty as usize).copied().unwrap_or(u32::MAX);
                self.edge(function, node);
            }
            (Effect::Writes(what) | Effect::Allocates(what), Some(function)) => {
                if self.scan.written.last().is_none_or(|last| last.function != function) {
                    self.scan.written.push(Written { function, what, operator: operators::name(op), offset });
                }
            }
            (Effect::Refused(proposal), _) => self.refuse(proposal, op, function, offset),
            // No constant expression calls or writes; if one did, it could not be shown to be pure.
            (Effect::Calls(_) | Effect::CallsType(_) | Effect::Writes(_), None) => {
                self.refuse("unknown", op, None, offset);
            }
        }
    }

    fn refuse(&mut self, proposal: &'static str, op: &Operator<'a>, function: Option<u32>, offset: usize) {
        // There are fewer than twenty proposals, so this stays short.
        if self.scan.refused.iter().all(|other| other.proposal != proposal) {
            let operator = operators::text(operators::name(op));
            self.scan.refused.push(Refused { proposal, operator, function, offset });
        }
    }

    fn take(&mut self, function: u32) {
        if let Some(taken) = self.taken.get_mut(function as usize) {
            *taken = true;
        }
    }

    fn edge(&mut self, function: u32, node: u32) {
        if let Some(last) = self.seen.get_mut(node as usize)
            && *last != function + 1
        {
            *last = function + 1;
            self.scan.calls.edge(node);
        }
    }

    fn node(&self, item: Item) -> Option<u32> {
        let (kind, index) = match item {
            Item::Memory(index) => (0, index),
            Item::Table(index) => (1, index),
            Item::Global(index) => (2, index),
            Item::Tag(index) => (3, index),
        };
        self.imported[kind].get(index as usize).copied()
    }

    fn at_instantiation(&mut self, item: Item) {
        self.instantiation.extend(self.node(item));
    }

    /// Adds the nodes after the functions: a type leads to every function of it whose reference is taken.
    fn finish(mut self) -> Scan<'a> {
        let mut by_type: Vec<Vec<u32>> = vec![Vec::new(); self.scan.distinct_types as usize];
        for function in (0..self.scan.functions).filter(|f| self.taken[*f as usize]) {
            let class = self.valid.function_type(function).and_then(|ty| self.classes.of(ty));
            if let Some(list) = class.and_then(|class| by_type.get_mut(class as usize)) {
                list.push(function);
            }
        }
        for functions in by_type {
            for function in functions {
                self.scan.calls.edge(function);
            }
            self.scan.calls.close();
        }
        for _ in 0..self.scan.imports.len() - self.scan.imported_functions.len() {
            self.scan.calls.close();
        }
        for node in &self.instantiation {
            self.scan.calls.edge(*node);
        }
        self.scan.calls.close();
        self.scan
    }
}
