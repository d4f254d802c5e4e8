//! Walking expressions and queries: the one place that knows the children of every node (`nodeFuncs.c`, `var.c`).

use super::expr::{Expr, Var, types};
use super::query::{FromExpr, JoinTree, Query, RteKind};
use super::relids::Relids;
use crate::snapshot::Oid;
use crate::sql::ast::SublinkKind;

impl Expr {
    /// Its type (`exprType`).
    pub fn ty(&self) -> Oid {
        match self {
            Self::Var(v) => v.ty,
            Self::Const(c) => c.ty,
            Self::Param(p) => p.ty,
            Self::Op(op) => op.ty,
            Self::Func(f) => f.ty,
            Self::Relabel(c) | Self::Coerce(c) => c.ty,
            Self::Case(c) => c.ty,
            Self::Variadic(_, _, ty) | Self::Array(_, ty) | Self::Other(_, _, ty) => *ty,
            Self::Row(_) => types::RECORD,
            Self::Aggref(a) => a.ty,
            Self::WindowFunc(w) => w.ty,
            Self::SubLink(s) => s.ty,
            Self::SubPlan(s) => s.ty,
            Self::ScalarArrayOp(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::NullTest(..)
            | Self::BooleanTest(..)
            | Self::RowCompare(_) => types::BOOL,
        }
    }

    /// Its type modifier, -1 where it has none (`exprTypmod`).
    pub fn typmod(&self) -> i32 {
        match self {
            Self::Var(v) => v.typmod,
            Self::Relabel(c) | Self::Coerce(c) => c.typmod,
            _ => -1,
        }
    }

    /// The collation of its value, 0 for none (`exprCollation`).
    pub fn collation(&self) -> Oid {
        match self {
            Self::Var(v) => v.collation,
            Self::Const(c) => c.collation,
            Self::Param(p) => p.collation,
            Self::Op(op) if is_text(op.ty) => op.collation,
            Self::Func(f) => f.collation,
            Self::Relabel(c) | Self::Coerce(c) => c.collation,
            Self::Case(c) if is_text(c.ty) => {
                let result = c.whens.first().map(|(_, r)| r).or(c.otherwise.as_ref());
                result.map_or(0, Self::collation)
            }
            Self::Variadic(_, args, ty) | Self::Other(_, args, ty) if is_text(*ty) => {
                args.iter().map(Self::collation).find(|c| *c != 0).unwrap_or(0)
            }
            Self::Aggref(a) if is_text(a.ty) => a.args.iter().map(Self::collation).find(|c| *c != 0).unwrap_or(0),
            Self::WindowFunc(w) if is_text(w.ty) => w.args.iter().map(Self::collation).find(|c| *c != 0).unwrap_or(0),
            Self::SubLink(s) if matches!(s.kind, SublinkKind::Scalar | SublinkKind::Array) => {
                s.query.targets.first().map_or(0, |t| t.expr.collation())
            }
            _ => 0,
        }
    }

    /// Calls `f` on each child, those of a subquery's query left out.
    pub fn for_each_child<'e>(&'e self, f: &mut dyn FnMut(&'e Self)) {
        match self {
            Self::Var(_) | Self::Const(_) | Self::Param(_) => {}
            Self::Op(op) => op.args.iter().for_each(f),
            Self::ScalarArrayOp(s) => {
                f(&s.left);
                f(&s.right);
            }
            Self::Func(func) => func.args.iter().for_each(f),
            Self::And(args)
            | Self::Or(args)
            | Self::Variadic(_, args, _)
            | Self::Array(args, _)
            | Self::Row(args)
            | Self::Other(_, args, _) => args.iter().for_each(f),
            Self::Not(arg) | Self::NullTest(arg, _) | Self::BooleanTest(arg, _) => f(arg),
            Self::Relabel(c) | Self::Coerce(c) => f(&c.arg),
            Self::Case(c) => {
                for (when, result) in &c.whens {
                    f(when);
                    f(result);
                }
                c.otherwise.iter().for_each(f);
            }
            Self::RowCompare(r) => r.left.iter().chain(&r.right).for_each(f),
            Self::Aggref(a) => a.args.iter().chain(a.order_by.iter().map(|o| &o.0)).chain(&a.filter).for_each(f),
            Self::WindowFunc(w) => w.args.iter().chain(&w.filter).for_each(f),
            Self::SubLink(s) => s.tests.iter().map(|t| &t.0).for_each(f),
            Self::SubPlan(s) => s.tests.iter().chain(&s.args).for_each(f),
        }
    }

    /// Calls `f` on each child, those of a subquery's query left out.
    pub fn for_each_child_mut(&mut self, f: &mut dyn FnMut(&mut Self)) {
        match self {
            Self::Var(_) | Self::Const(_) | Self::Param(_) => {}
            Self::Op(op) => op.args.iter_mut().for_each(f),
            Self::ScalarArrayOp(s) => {
                f(&mut s.left);
                f(&mut s.right);
            }
            Self::Func(func) => func.args.iter_mut().for_each(f),
            Self::And(args)
            | Self::Or(args)
            | Self::Variadic(_, args, _)
            | Self::Array(args, _)
            | Self::Row(args)
            | Self::Other(_, args, _) => args.iter_mut().for_each(f),
            Self::Not(arg) | Self::NullTest(arg, _) | Self::BooleanTest(arg, _) => f(arg),
            Self::Relabel(c) | Self::Coerce(c) => f(&mut c.arg),
            Self::Case(c) => {
                for (when, result) in &mut c.whens {
                    f(when);
                    f(result);
                }
                c.otherwise.iter_mut().for_each(f);
            }
            Self::RowCompare(r) => r.left.iter_mut().chain(&mut r.right).for_each(f),
            Self::Aggref(a) => {
                a.args.iter_mut().chain(a.order_by.iter_mut().map(|o| &mut o.0)).chain(&mut a.filter).for_each(f);
            }
            Self::WindowFunc(w) => w.args.iter_mut().chain(&mut w.filter).for_each(f),
            Self::SubLink(s) => s.tests.iter_mut().map(|t| &mut t.0).for_each(f),
            Self::SubPlan(s) => s.tests.iter_mut().chain(&mut s.args).for_each(f),
        }
    }

    /// Whether `f` holds for this node or one below it, subqueries' queries left out.
    pub fn any(&self, f: &mut dyn FnMut(&Self) -> bool) -> bool {
        if f(self) {
            return true;
        }
        let mut found = false;
        self.for_each_child(&mut |child| found = found || child.any(f));
        found
    }

    /// Visits this node and all below it from the top, into subqueries too; `depth` counts the query levels entered.
    pub fn visit(&self, depth: u32, f: &mut dyn FnMut(&Self, u32)) {
        f(self, depth);
        self.for_each_child(&mut |child| child.visit(depth, f));
        if let Self::SubLink(s) = self {
            s.query.visit(depth + 1, f);
        }
    }

    /// Changes this node and all below it, the lowest first, in subqueries too.
    pub fn visit_mut(&mut self, depth: u32, f: &mut dyn FnMut(&mut Self, u32)) {
        self.for_each_child_mut(&mut |child| child.visit_mut(depth, f));
        if let Self::SubLink(s) = self {
            s.query.visit_mut(depth + 1, f);
        }
        f(self, depth);
    }

    /// Relations of this level that it reads (`pull_varnos`).
    pub fn relids(&self) -> Relids {
        let mut found = Relids::EMPTY;
        self.visit(0, &mut |e, depth| {
            if let Self::Var(v) = e
                && v.levels_up == depth
            {
                found.insert(v.rel);
            }
        });
        found
    }

    /// Whether it reads a column of this level (`contain_vars_of_level` 0).
    pub fn has_vars(&self) -> bool {
        let mut found = false;
        self.visit(0, &mut |e, depth| found = found || matches!(e, Self::Var(v) if v.levels_up == depth));
        found
    }

    /// The columns of this level and the aggregates in it that it reads, each once, in order of appearance
    /// (`pull_var_clause`). With `into_aggs` aggregates' and window functions' arguments are searched instead.
    pub fn collect_vars<'e>(&'e self, into_aggs: bool, found: &mut Vec<&'e Self>) {
        let leaf = match self {
            Self::Var(v) => v.levels_up == 0,
            Self::Aggref(_) | Self::WindowFunc(_) => !into_aggs,
            _ => false,
        };
        if leaf {
            if !found.contains(&self) {
                found.push(self);
            }
            return;
        }
        self.for_each_child(&mut |child| child.collect_vars(into_aggs, found));
    }

    /// The expression under changes of label.
    pub fn strip_relabel(&self) -> &Self {
        let mut expr = self;
        while let Self::Relabel(cast) = expr {
            expr = &cast.arg;
        }
        expr
    }

    /// Replaces columns of this level, in subqueries too: `f` gives the replacement in terms of this level.
    pub fn replace_vars(&mut self, f: &mut dyn FnMut(&Var) -> Option<Self>) {
        self.visit_mut(0, &mut |e, depth| replace_at(e, depth, f));
    }

    /// Adds `by` to the level of every column that belongs `above` levels up or more (`IncrementVarSublevelsUp`).
    pub fn raise_levels(&mut self, by: i32, above: u32) {
        self.visit_mut(0, &mut |e, depth| raise_at(e, depth, by, above));
    }
}

fn is_text(ty: Oid) -> bool {
    matches!(ty, types::TEXT | types::VARCHAR | types::BPCHAR | types::NAME)
}

fn replace_at(e: &mut Expr, depth: u32, f: &mut dyn FnMut(&Var) -> Option<Expr>) {
    if let Expr::Var(v) = e
        && v.levels_up == depth
    {
        let here = Var { levels_up: 0, ..*v };
        if let Some(mut new) = f(&here) {
            if depth > 0 {
                new.raise_levels(i32::try_from(depth).unwrap_or(0), 0);
            }
            *e = new;
        }
    }
}

fn raise_at(e: &mut Expr, depth: u32, by: i32, above: u32) {
    if let Expr::Var(v) = e
        && v.levels_up >= depth + above
    {
        v.levels_up = v.levels_up.saturating_add_signed(by);
    }
}

impl Query {
    /// Calls `f` on every expression of this level.
    pub fn for_each_expr<'q>(&'q self, f: &mut dyn FnMut(&'q Expr)) {
        self.targets.iter().for_each(|t| f(&t.expr));
        self.jointree.for_each_qual(f);
        self.having.iter().for_each(&mut *f);
        self.limit.iter().chain(&self.offset).for_each(&mut *f);
        if let Some(modify) = &self.modify {
            modify.returning.iter().for_each(|t| f(&t.expr));
        }
        for rte in &self.rtable {
            match &rte.kind {
                RteKind::Function { calls, .. } => calls.iter().for_each(&mut *f),
                RteKind::Values { rows, .. } => rows.iter().flatten().for_each(&mut *f),
                _ => {}
            }
        }
    }

    /// Calls `f` on every expression of this level.
    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.targets.iter_mut().for_each(|t| f(&mut t.expr));
        self.jointree.for_each_qual_mut(f);
        self.having.iter_mut().for_each(&mut *f);
        self.limit.iter_mut().chain(&mut self.offset).for_each(&mut *f);
        if let Some(modify) = &mut self.modify {
            modify.returning.iter_mut().for_each(|t| f(&mut t.expr));
        }
        for rte in &mut self.rtable {
            match &mut rte.kind {
                RteKind::Function { calls, .. } => calls.iter_mut().for_each(&mut *f),
                RteKind::Values { rows, .. } => rows.iter_mut().flatten().for_each(&mut *f),
                _ => {}
            }
        }
    }

    /// Visits every expression, those of subqueries and WITH queries too.
    pub fn visit(&self, depth: u32, f: &mut dyn FnMut(&Expr, u32)) {
        self.for_each_expr(&mut |e| e.visit(depth, f));
        for rte in &self.rtable {
            if let RteKind::Subquery(query) = &rte.kind {
                query.visit(depth + 1, f);
            }
        }
        for cte in &self.ctes {
            cte.query.visit(depth + 1, f);
        }
    }

    /// Changes every expression, those of subqueries and WITH queries too.
    pub fn visit_mut(&mut self, depth: u32, f: &mut dyn FnMut(&mut Expr, u32)) {
        self.for_each_expr_mut(&mut |e| e.visit_mut(depth, f));
        for rte in &mut self.rtable {
            if let RteKind::Subquery(query) = &mut rte.kind {
                query.visit_mut(depth + 1, f);
            }
        }
        for cte in &mut self.ctes {
            cte.query.visit_mut(depth + 1, f);
        }
    }

    /// Visits the range-table entries of this level and of all queries below it; `depth` counts the levels entered.
    pub fn visit_entries_mut(&mut self, depth: u32, f: &mut dyn FnMut(&mut RteKind, u32)) {
        for rte in &mut self.rtable {
            f(&mut rte.kind, depth);
            if let RteKind::Subquery(query) = &mut rte.kind {
                query.visit_entries_mut(depth + 1, f);
            }
        }
        for cte in &mut self.ctes {
            cte.query.visit_entries_mut(depth + 1, f);
        }
        self.for_each_expr_mut(&mut |e| {
            e.visit_mut(0, &mut |node, below| {
                // `visit_mut` goes into sublinks by itself: only the first level is taken here, the rest by recursion.
                if let Expr::SubLink(s) = node
                    && below == 0
                {
                    s.query.visit_entries_mut(depth + 1, f);
                }
            });
        });
    }

    /// Replaces columns of this level, in subqueries too.
    pub fn replace_vars(&mut self, f: &mut dyn FnMut(&Var) -> Option<Expr>) {
        self.visit_mut(0, &mut |e, depth| replace_at(e, depth, f));
    }

    /// Adds `by` to the level of every column and every WITH reference that belongs `above` levels up or more, counted
    /// from this query.
    pub fn raise_levels(&mut self, by: i32, above: u32) {
        self.visit_mut(0, &mut |e, depth| raise_at(e, depth, by, above));
        self.visit_entries_mut(0, &mut |kind, depth| {
            if let RteKind::Cte { levels_up, .. } = kind
                && *levels_up >= depth + above
            {
                *levels_up = levels_up.saturating_add_signed(by);
            }
        });
    }

    /// Whether it reads columns of an enclosing level (`contain_vars_of_level` 1 and above).
    pub fn has_outer_vars(&self) -> bool {
        let mut found = false;
        self.visit(0, &mut |e, depth| found = found || matches!(e, Expr::Var(v) if v.levels_up > depth));
        found
    }

    /// Relations that it reads `levels` up (`pull_varnos_of_level`).
    pub fn outer_relids(&self, levels: u32) -> Relids {
        let mut found = Relids::EMPTY;
        self.visit(0, &mut |e, depth| {
            if let Expr::Var(v) = e
                && v.levels_up == depth + levels
            {
                found.insert(v.rel);
            }
        });
        found
    }
}

impl FromExpr {
    /// Calls `f` on every condition in it.
    pub fn for_each_qual<'q>(&'q self, f: &mut dyn FnMut(&'q Expr)) {
        self.items.iter().for_each(|item| item.for_each_qual(f));
        self.quals.iter().for_each(f);
    }

    /// Calls `f` on every condition in it.
    pub fn for_each_qual_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.items.iter_mut().for_each(|item| item.for_each_qual_mut(f));
        self.quals.iter_mut().for_each(f);
    }

    /// Relations in it (`get_relids_in_jointree`).
    pub fn relids(&self) -> Relids {
        self.items.iter().fold(Relids::EMPTY, |set, item| set | item.relids())
    }
}

impl JoinTree {
    /// Calls `f` on every condition in it.
    pub fn for_each_qual<'q>(&'q self, f: &mut dyn FnMut(&'q Expr)) {
        match self {
            Self::Rel(_) => {}
            Self::Join(join) => {
                join.left.for_each_qual(f);
                join.right.for_each_qual(f);
                join.quals.iter().for_each(f);
            }
            Self::From(from) => from.for_each_qual(f),
        }
    }

    /// Calls `f` on every condition in it.
    pub fn for_each_qual_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Self::Rel(_) => {}
            Self::Join(join) => {
                join.left.for_each_qual_mut(f);
                join.right.for_each_qual_mut(f);
                join.quals.iter_mut().for_each(f);
            }
            Self::From(from) => from.for_each_qual_mut(f),
        }
    }

    /// Relations in it (`get_relids_in_jointree`).
    pub fn relids(&self) -> Relids {
        match self {
            Self::Rel(rel) => Relids::single(*rel),
            Self::Join(join) => join.left.relids() | join.right.relids(),
            Self::From(from) => from.relids(),
        }
    }
}
