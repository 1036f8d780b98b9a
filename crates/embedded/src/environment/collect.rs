//! Evidence of the embedded environment. The logs of its processes are in the run directory already.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::trace::v1::TracesData;
use testbed::Collected;

use crate::proxy::ProxyControl;
use crate::store::{Query, SpanStore};

/// Writes the stored spans and what proxy and store have counted into a folder. What can't be written is left out.
pub(super) fn into(folder: &Path, store: &SpanStore, proxy: &ProxyControl) -> Vec<Collected> {
    let folder_name = folder.file_name().map_or_else(PathBuf::new, PathBuf::from);
    let mut collected = Vec::new();
    let mut keep = |what: &str, name: &str, written: io::Result<()>| {
        if written.is_ok() {
            collected.push(Collected {
                what: what.to_owned(),
                path: folder_name.join(name),
            });
        }
    };
    if std::fs::create_dir_all(folder).is_err() {
        return collected;
    }
    keep(
        "stored spans, a trace a line as OTLP JSON",
        "spans.jsonl",
        spans(&folder.join("spans.jsonl"), store),
    );
    let counters = format!("store  {:#?}\nproxy  {:#?}\n", store.stats(), proxy.counters());
    keep(
        "counters",
        "counters.txt",
        std::fs::write(folder.join("counters.txt"), counters),
    );
    collected
}

fn spans(file: &Path, store: &SpanStore) -> io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for id in store.search(&Query::default()) {
        if let Some(resource_spans) = store.trace(id) {
            serde_json::to_writer(&mut out, &TracesData { resource_spans })?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}
