//! The tables of docs/ARCHITECTURE.md: folders, modules, dependencies.

use std::collections::{BTreeMap, BTreeSet};

use super::dependencies::Package;
use super::scan;
use super::{Material, Problem};

const PAGE: &str = "docs/ARCHITECTURE.md";

/// Every folder in the table is there, and every crate has a line.
pub(super) fn folders(material: &Material) -> Vec<Problem> {
    let (start, rows) = match table(material, &["folder", "what it is"]) {
        Ok(table) => table,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    let mut listed = BTreeSet::new();
    for row in rows {
        for folder in scan::ticked(row.cells[0]).map(|folder| folder.trim_end_matches('/')) {
            if !material.tree.has(folder) {
                problems.push(Problem::line(PAGE, row.index, format!("there is no `{folder}`")));
            }
            listed.insert(folder);
        }
    }
    let members = material
        .packages
        .members
        .iter()
        .map(|package| package.folder.as_str());
    let missing = members.filter(|folder| !listed.contains(folder));
    problems.extend(missing.map(|folder| Problem::line(PAGE, start, format!("`{folder}` has no line"))));
    problems
}

/// The modules of each crate are those in its `src` folder.
pub(super) fn modules(material: &Material) -> Vec<Problem> {
    compare(material, 2, "modules", |package| {
        let source = format!("{}/src/", package.folder);
        let files = material
            .tree
            .files()
            .filter_map(|(path, _)| path.strip_prefix(&source)?.strip_suffix(".rs"));
        files
            .filter(|name| !name.contains('/') && !matches!(*name, "lib" | "main"))
            .map(str::to_owned)
            .collect()
    })
}

/// What each crate uses of the others is what its manifest says.
pub(super) fn dependencies(material: &Material) -> Vec<Problem> {
    let ours: BTreeSet<&str> = material
        .packages
        .members
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    compare(material, 1, "dependencies", |package| {
        let used = package.used().filter(|name| ours.contains(name));
        used.map(str::to_owned).collect()
    })
}

/// Compares one column of the table of crates with what is there.
fn compare(
    material: &Material,
    column: usize,
    what: &str,
    actual: impl Fn(&Package) -> BTreeSet<String>,
) -> Vec<Problem> {
    let (start, rows) = match table(material, &["crate", "uses", "modules"]) {
        Ok(table) => table,
        Err(problem) => return vec![problem],
    };
    let mut members: BTreeMap<&str, &Package> = material
        .packages
        .members
        .iter()
        .map(|package| (package.name.as_str(), package))
        .collect();
    let mut problems = Vec::new();
    for row in rows {
        let name = row.cells[0].trim_matches('`');
        let Some(package) = members.remove(name) else {
            problems.push(Problem::line(
                PAGE,
                row.index,
                format!("there is no crate `{name}`, or it is here twice"),
            ));
            continue;
        };
        let listed: BTreeSet<String> = row
            .cells
            .get(column)
            .into_iter()
            .flat_map(|cell| scan::ticked(cell))
            .map(str::to_owned)
            .collect();
        let actual = actual(package);
        let gone: Vec<_> = listed.difference(&actual).cloned().collect();
        let new: Vec<_> = actual.difference(&listed).cloned().collect();
        for (words, names) in [
            ("are not there any more", gone),
            ("are missing in the table", new),
        ] {
            if !names.is_empty() {
                let names = names.join(", ");
                problems.push(Problem::line(
                    PAGE,
                    row.index,
                    format!("{what} of `{name}`: {names} {words}"),
                ));
            }
        }
    }
    problems.extend(
        members
            .keys()
            .map(|name| Problem::line(PAGE, start, format!("`{name}` has no line"))),
    );
    problems
}

fn table<'a>(material: &'a Material, header: &[&str]) -> Result<(usize, Vec<scan::Row<'a>>), Problem> {
    let page = material
        .tree
        .get(PAGE)
        .ok_or_else(|| Problem::file(PAGE, "is missing"))?;
    let missing = || {
        Problem::file(
            PAGE,
            format!("has no table with the columns {}", header.join(", ")),
        )
    };
    scan::table(page, header).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(page: &str) -> Material {
        let mut material = Material::from([
            (PAGE, page),
            ("crates/trace/src/lib.rs", ""),
            ("crates/trace/src/tree.rs", ""),
            ("crates/trace/src/tree/walk.rs", ""),
            ("crates/testbed/src/lib.rs", ""),
        ]);
        material.packages.members = vec![
            Package::planted("trace", "crates/trace", &["serde"]),
            Package::planted("testbed", "crates/testbed", &["trace", "tokio"]),
        ];
        material
    }

    fn page(folders: &str, crates: &str) -> Material {
        material(&format!(
            "| folder | what it is |\n|---|---|\n{folders}\n\n| crate | uses | modules |\n|---|---|---|\n{crates}\n"
        ))
    }

    const FOLDERS: &str = "| `crates/trace/` | pure |\n| `crates/testbed` | time |";
    const CRATES: &str = "| `trace` | – | `tree` |\n| `testbed` | `trace` | – |";

    #[test]
    fn tables_like_the_tree_pass() {
        let material = page(FOLDERS, CRATES);
        assert_eq!(
            [folders(&material), modules(&material), dependencies(&material)].concat(),
            []
        );
    }

    #[test]
    fn a_folder_that_is_gone_and_a_crate_without_a_line_are_reported() {
        assert_eq!(
            folders(&page("| `crates/trace` | pure |\n| `crates/gone` | x |", CRATES)).len(),
            2
        );
    }

    #[test]
    fn modules_that_are_gone_new_or_of_no_crate_are_reported() {
        let crates = "| `trace` | – | `leaf` |\n| `testbed` | `trace` | – |\n| `gone` | – | – |";
        assert_eq!(modules(&page(FOLDERS, crates)).len(), 3);
        assert_eq!(
            modules(&page(FOLDERS, "| `trace` | – | `tree` |")).len(),
            1,
            "testbed has no line"
        );
    }

    #[test]
    fn a_dependency_that_the_table_hides_is_reported() {
        assert_eq!(
            dependencies(&page(FOLDERS, "| `trace` | – | `tree` |\n| `testbed` | – | – |")).len(),
            1
        );
    }

    #[test]
    fn a_missing_table_is_reported() {
        let material = material("# Architecture\n");
        assert_eq!(
            [folders(&material), modules(&material), dependencies(&material)]
                .concat()
                .len(),
            3
        );
    }
}
