//! `docker save`'s archive (version 1.2 of the Docker image specification), packed anew: see [`Layout`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::image::Blob;
use crate::image::layout::{Layer, Layout};
use crate::reference::ImageRef;

/// An image in `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: PathBuf,
    repo_tags: Vec<String>,
    layers: Vec<PathBuf>,
}

/// Reads one archive and writes the other. Takes seconds: not for an async task.
///
/// # Errors
/// A file can't be read or written, or the archive is not what it should be.
pub(super) fn repack(from: &Path, into: &Path) -> io::Result<()> {
    let images = manifest(from)?;
    let is_layer: BTreeSet<&PathBuf> = images.iter().flat_map(|image| &image.layers).collect();
    let is_config: BTreeSet<&PathBuf> = images.iter().map(|image| &image.config).collect();
    let (mut layers, mut configs, mut links) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    each(from, |path, entry| {
        // Docker before its version 25 writes a layer once, and leads to it from wherever else it is wanted.
        if let Some(target) = entry.link_name()? {
            let beside = path.parent().unwrap_or(Path::new(""));
            links.insert(path.clone(), plain(&beside.join(target)));
        } else if is_config.contains(&path) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            configs.insert(path, Blob::new(bytes));
        } else if is_layer.contains(&path) || path.ends_with("layer.tar") {
            layers.insert(path, Layer::read(entry)?);
        }
        Ok(())
    })?;
    let absent = |path: &Path| io::Error::other(format!("{} is not in it", path.display()));
    let mut layout = Layout::new(BufWriter::new(File::create(into)?));
    for image in &images {
        let config = configs.get(&image.config).ok_or_else(|| absent(&image.config))?;
        let of_image = image.layers.iter().map(|path| {
            let path = links.get(path).unwrap_or(path);
            layers.get(path).ok_or_else(|| absent(path))
        });
        let of_image = of_image.collect::<io::Result<Vec<&Layer>>>()?;
        for tag in &image.repo_tags {
            let name: ImageRef = tag.parse().map_err(io::Error::other)?;
            layout.add(&name, config, &of_image)?;
        }
    }
    // All of it is on the disk before it gets the name by which later runs take it.
    layout.finish()?.into_inner()?.sync_all()
}

/// Comes last in the archive, and says what the others are.
fn manifest(archive: &Path) -> io::Result<Vec<Entry>> {
    let mut found = None;
    each(archive, |path, entry| {
        if path == Path::new("manifest.json") {
            found = Some(serde_json::from_reader(entry)?);
        }
        Ok(())
    })?;
    found.ok_or_else(|| io::Error::other("it has no manifest.json"))
}

fn each(
    archive: &Path,
    mut take: impl FnMut(PathBuf, &mut tar::Entry<'_, BufReader<File>>) -> io::Result<()>,
) -> io::Result<()> {
    let mut archive = tar::Archive::new(BufReader::new(File::open(archive)?));
    for entry in archive.entries_with_seek()? {
        let mut entry = entry?;
        let path = plain(&entry.path()?);
        take(path, &mut entry)?;
    }
    Ok(())
}

/// A path in the archive without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::Normal(name) => plain.push(name),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::image::layout::append;
    use crate::image::layout::tests::{described, files};

    /// What `docker save` writes for two images that share a layer.
    fn saved(folder: &Path, manifest: &Value, link: Option<(&str, &str)>) -> PathBuf {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in [
            ("aa/layer.tar", "layer a"),
            ("bb/layer.tar", "layer b"),
            ("1.json", "{\"1\":1}"),
            ("2.json", "{\"2\":2}"),
        ] {
            append(&mut tar, name, content.as_bytes(), 0o644).unwrap();
        }
        if let Some((name, target)) = link {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, name, target).unwrap();
        }
        if !manifest.is_null() {
            append(&mut tar, "manifest.json", manifest.to_string().as_bytes(), 0o644).unwrap();
        }
        let file = folder.join("saved");
        std::fs::write(&file, tar.into_inner().unwrap()).unwrap();
        file
    }

    fn image(config: &str, tag: &str, layers: &[&str]) -> Value {
        json!({"Config": config, "RepoTags": [tag], "Layers": layers})
    }

    #[test]
    fn every_image_keeps_its_name_its_configuration_and_its_layers() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = json!([
            image("1.json", "jaegertracing/jaeger:1", &["aa/layer.tar"]),
            image("2.json", "ghcr.io/x/y:2", &["cc/layer.tar", "bb/layer.tar"]),
        ]);
        let from = saved(
            folder.path(),
            &manifest,
            Some(("cc/layer.tar", "../aa/layer.tar")),
        );
        let into = folder.path().join("into");
        repack(&from, &into).unwrap();
        let files = files(&std::fs::read(&into).unwrap());
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let index = read(&files["index.json"]);
        let mut seen = Vec::new();
        for entry in index["manifests"].as_array().unwrap() {
            let manifest = read(described(&files, entry));
            let layers: Vec<String> = manifest["layers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|layer| zstd::decode_all(described(&files, layer)).unwrap())
                .map(|layer| String::from_utf8(layer).unwrap())
                .collect();
            let config = String::from_utf8(described(&files, &manifest["config"]).to_vec()).unwrap();
            let name = entry["annotations"]["io.containerd.image.name"]
                .as_str()
                .unwrap()
                .to_owned();
            seen.push((name, config, layers.join(", ")));
        }
        let wanted = [
            ("docker.io/jaegertracing/jaeger:1", "{\"1\":1}", "layer a"),
            ("ghcr.io/x/y:2", "{\"2\":2}", "layer a, layer b"),
        ];
        assert_eq!(
            seen,
            wanted.map(|(name, config, layers)| (name.to_owned(), config.to_owned(), layers.to_owned()))
        );
    }

    #[test]
    fn an_archive_that_lacks_something_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let told = |manifest: &Value| {
            let error =
                repack(&saved(folder.path(), manifest, None), &folder.path().join("into")).unwrap_err();
            error.to_string()
        };
        assert_eq!(told(&Value::Null), "it has no manifest.json");
        assert_eq!(
            told(&json!([image("1.json", "a:1", &["zz/layer.tar"])])),
            "zz/layer.tar is not in it"
        );
        assert_eq!(told(&json!([image("9.json", "a:1", &[])])), "9.json is not in it");
        std::fs::write(folder.path().join("saved"), "no archive").unwrap();
        repack(&folder.path().join("saved"), &folder.path().join("into")).unwrap_err();
    }
}
