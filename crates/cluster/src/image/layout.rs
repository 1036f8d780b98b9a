//! An archive in the OCI image layout, which `ctr images import` reads: of one image or several, each blob under its digest.
//!
//! Layers are compressed with Zstandard, which the OCI image specification allows since its version 1.1 and containerd reads
//! since its version 1.5. A node that is sent a quarter of the bytes has as many fewer to write and to take the digest of.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::Blob;
use crate::reference::ImageRef;

/// Zstandard's own default: what more would save, takes longer to make than to send.
const LEVEL: i32 = 3;
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The annotation in which containerd looks for an image's name.
const NAME: &str = "io.containerd.image.name";

/// A layer as it is sent: a tar archive, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    media_type: &'static str,
    blob: Blob,
}

impl Layer {
    /// Reads a layer, and compresses it unless it is.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) fn read(mut from: impl Read) -> io::Result<Self> {
        let mut start = Vec::with_capacity(4);
        from.by_ref().take(4).read_to_end(&mut start)?;
        let media_type = match start.as_slice() {
            [0x1f, 0x8b, ..] => "application/vnd.oci.image.layer.v1.tar+gzip",
            _ => "application/vnd.oci.image.layer.v1.tar+zstd",
        };
        let compressed = media_type.ends_with("gzip") || start == [0x28, 0xb5, 0x2f, 0xfd];
        let mut whole = start.chain(from);
        let mut bytes = Vec::new();
        if compressed {
            whole.read_to_end(&mut bytes)?;
        } else {
            zstd::stream::copy_encode(whole, &mut bytes, LEVEL)?;
        }
        Ok(Self {
            media_type,
            blob: Blob::new(bytes),
        })
    }
}

/// An archive that is being written.
pub(crate) struct Layout<W: Write> {
    tar: tar::Builder<W>,
    written: BTreeSet<String>,
    manifests: Vec<Value>,
}

impl<W: Write> Layout<W> {
    pub(crate) fn new(into: W) -> Self {
        Self {
            tar: tar::Builder::new(into),
            written: BTreeSet::new(),
            manifests: Vec::new(),
        }
    }

    /// Adds an image.
    ///
    /// # Errors
    /// It can't be written.
    pub(crate) fn add(&mut self, name: &ImageRef, config: &Blob, layers: &[&Layer]) -> io::Result<()> {
        for layer in layers {
            self.blob(&layer.blob)?;
        }
        self.blob(config)?;
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| descriptor(layer.media_type, &layer.blob))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config),
            "layers": layers,
        });
        let manifest = Blob::new(serde_json::to_vec(&manifest)?);
        self.blob(&manifest)?;
        let mut manifest = descriptor(MANIFEST, &manifest);
        manifest["annotations"] = json!({ NAME: name.canonical() });
        self.manifests.push(manifest);
        Ok(())
    }

    /// Writes what tells of the images.
    ///
    /// # Errors
    /// It can't be written.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests });
        self.file("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }))?;
        self.file("index.json", &index)?;
        self.tar.into_inner()
    }

    fn blob(&mut self, blob: &Blob) -> io::Result<()> {
        if self.written.insert(blob.digest.clone()) {
            let name = format!("blobs/sha256/{}", blob.digest);
            append(&mut self.tar, &name, &blob.bytes, 0o644)?;
        }
        Ok(())
    }

    fn file(&mut self, name: &str, content: &impl Serialize) -> io::Result<()> {
        append(&mut self.tar, name, &serde_json::to_vec(content)?, 0o644)
    }
}

fn descriptor(media_type: &str, blob: &Blob) -> Value {
    json!({
        "mediaType": media_type,
        "digest": format!("sha256:{}", blob.digest),
        "size": blob.bytes.len(),
    })
}

/// Adds a file to a tar archive.
pub(crate) fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    content: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    // Nobody's, and of no time: whatever differs between two runs would make another image of the same binary.
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, name, content)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The files of an archive.
    pub(crate) fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive);
        let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), content)
        };
        archive.entries().unwrap().map(read).collect()
    }

    /// What is behind a descriptor, having what it says.
    pub(crate) fn described<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"]
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap();
        let bytes = &files[&format!("blobs/sha256/{digest}")];
        assert_eq!(Blob::new(bytes.clone()).digest, digest);
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }

    #[test]
    fn a_layer_is_compressed_unless_it_is() {
        let plain = vec![7; 100_000];
        let layer = Layer::read(plain.as_slice()).unwrap();
        assert!(layer.media_type.ends_with("+zstd"));
        assert!(layer.blob.bytes.len() < 1000);
        assert_eq!(zstd::decode_all(layer.blob.bytes.as_slice()).unwrap(), plain);
        assert_eq!(Layer::read(layer.blob.bytes.as_slice()).unwrap(), layer);
        let gzip = [&[0x1f, 0x8b, 8][..], &plain].concat();
        let layer = Layer::read(gzip.as_slice()).unwrap();
        assert!(layer.media_type.ends_with("+gzip"));
        assert_eq!(layer.blob.bytes, gzip);
        assert!(Layer::read(&b""[..]).is_ok());
    }

    #[test]
    fn what_two_images_share_is_there_once() {
        let (config, layer) = (Blob::new(b"{}".to_vec()), Layer::read(&b"layer"[..]).unwrap());
        let mut layout = Layout::new(Vec::new());
        for name in ["jaegertracing/jaeger:1", "registry.example.com/b:2"] {
            layout.add(&name.parse().unwrap(), &config, &[&layer]).unwrap();
        }
        let archive = layout.finish().unwrap();
        assert_eq!(
            tar::Archive::new(archive.as_slice()).entries().unwrap().count(),
            5
        );
        let files = files(&archive);
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let names: Vec<&Value> = index["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|manifest| &manifest["annotations"][NAME])
            .collect();
        assert_eq!(
            names,
            ["docker.io/jaegertracing/jaeger:1", "registry.example.com/b:2"]
        );
        let manifest: Value = serde_json::from_slice(described(&files, &index["manifests"][0])).unwrap();
        assert_eq!(described(&files, &manifest["config"]), b"{}");
        let layer = described(&files, &manifest["layers"][0]);
        assert_eq!(zstd::decode_all(layer).unwrap(), b"layer");
    }
}
