//! One file by HTTP: checked while it comes, and under its name only when it is whole and what it should be.

use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use http::header::{LOCATION, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sha2::{Digest, Sha256};
use testbed::Deadline;

use super::{DownloadError, Planned};

/// Releases are found behind two redirections.
const REDIRECTIONS: usize = 5;

/// What is too much.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes.
    pub bytes: u64,
    /// How long nothing may come.
    pub silence: Duration,
}

/// Downloads a program into `fresh`, checks it there, and gives it the name `target`. Nothing is taken up again: it is a
/// matter of seconds, and half a file is not to be trusted.
///
/// # Errors
/// It can't be had, or is not what it should be; `fresh` is gone then, and `target` as it was.
pub async fn fetch(
    planned: &Planned,
    fresh: &Path,
    target: &Path,
    bounds: &Bounds,
    deadline: &Deadline,
) -> Result<(), DownloadError> {
    let scrap = Scrap(fresh);
    let found = deadline
        .bound(Box::pin(take(&planned.url, fresh, bounds)))
        .await
        .map_err(|_| DownloadError::TooSlow {
            url: planned.url.clone(),
            reason: "it was not whole when the time was up".into(),
        })??;
    if found != planned.sha256 {
        return Err(DownloadError::Checksum {
            url: planned.url.clone(),
            found,
            expected: planned.sha256.clone(),
        });
    }
    place(fresh, target).map_err(|source| DownloadError::Write {
        path: target.to_owned(),
        source,
    })?;
    drop(scrap);
    Ok(())
}

/// Whether a file is there and has this checksum.
#[must_use]
pub(super) fn has(path: &Path, sha256: &str) -> bool {
    let hash = || {
        let mut hasher = Sha256::new();
        let mut file = std::fs::File::open(path)?;
        let mut piece = vec![0; 1 << 16];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok::<_, io::Error>(const_hex::encode(hasher.finalize())),
                count => hasher.update(&piece[..count]),
            }
        }
    };
    hash().is_ok_and(|found| found == sha256)
}

/// Writes what is at the address into the file, and says its checksum.
async fn take(url: &str, fresh: &Path, bounds: &Bounds) -> Result<String, DownloadError> {
    let broken = |reason: String| DownloadError::Broken {
        url: url.to_owned(),
        reason,
    };
    let unwritable = |source| DownloadError::Write {
        path: fresh.to_owned(),
        source,
    };
    let within = |limit| Deadline::after(limit);
    let answer = within(bounds.silence).bound(Box::pin(ask(url))).await;
    let answer = answer
        .map_err(|_| DownloadError::silent(url, bounds.silence))?
        .map_err(broken)?;
    if !answer.status().is_success() {
        return Err(DownloadError::Status {
            url: url.to_owned(),
            status: answer.status().as_u16(),
        });
    }
    let too_big = || DownloadError::TooBig {
        url: url.to_owned(),
        limit: bounds.bytes,
    };
    let mut body = answer.into_body();
    if body.size_hint().lower() > bounds.bytes {
        return Err(too_big());
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o755)
        .open(fresh)
        .map_err(unwritable)?;
    let (mut hasher, mut size) = (Sha256::new(), 0_u64);
    loop {
        let frame = within(bounds.silence).bound(body.frame()).await;
        let frame = frame.map_err(|_| DownloadError::silent(url, bounds.silence))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broken(testbed::explain::chain(&error)))?;
        let Ok(piece) = frame.into_data() else { continue };
        size += piece.len() as u64;
        if size > bounds.bytes {
            return Err(too_big());
        }
        hasher.update(&piece);
        file.write_all(&piece).map_err(unwritable)?;
    }
    file.sync_all().map_err(unwritable)?;
    Ok(const_hex::encode(hasher.finalize()))
}

/// The answer behind all redirections.
async fn ask(url: &str) -> Result<Response<Incoming>, String> {
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(|error| error.to_string())?
        .https_or_http()
        .enable_http1()
        .build();
    // Each request has a connection of its own: a redirection leads elsewhere as a rule.
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build::<_, Empty<&'static [u8]>>(connector);
    let mut uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    for _ in 0..=REDIRECTIONS {
        let request = Request::get(&uri)
            .header(USER_AGENT, "throughline")
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let answer = client
            .request(request)
            .await
            .map_err(|error| testbed::explain::chain(&error))?;
        if !answer.status().is_redirection() {
            return Ok(answer);
        }
        let location = answer
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        uri = follow(&uri, location.unwrap_or_default())?;
    }
    Err(format!("more than {REDIRECTIONS} redirections"))
}

/// Where a redirection leads: never out of TLS.
fn follow(from: &Uri, location: &str) -> Result<Uri, String> {
    let odd = |_| format!("a redirection to {location:?}");
    let mut parts = location.parse::<Uri>().map_err(odd)?.into_parts();
    if parts.authority.is_none() {
        parts.authority = from.authority().cloned();
        parts.scheme = from.scheme().cloned();
    }
    let to = Uri::from_parts(parts).map_err(|_| format!("a redirection to {location:?}"))?;
    if from.scheme_str() == Some("https") && to.scheme_str() != Some("https") {
        return Err(format!("a redirection out of TLS, to {to}"));
    }
    Ok(to)
}

/// Gives the file its name; by a copy where the folders are on two file systems.
fn place(fresh: &Path, target: &Path) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::fs::rename(fresh, target).is_ok() {
        return Ok(());
    }
    let near = target.with_extension("new");
    std::fs::copy(fresh, &near)?;
    std::fs::rename(&near, target)
}

/// A file that goes unless it was given another name.
struct Scrap<'a>(&'a Path);

impl Drop for Scrap<'_> {
    fn drop(&mut self) {
        // It may never have been made, or have its other name already.
        let _ = std::fs::remove_file(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_leads_elsewhere_but_never_out_of_tls() {
        let from: Uri = "https://one.example.com/a".parse().unwrap();
        let to = |location| follow(&from, location).map(|uri| uri.to_string());
        assert_eq!(to("/b?c=d").unwrap(), "https://one.example.com/b?c=d");
        assert_eq!(
            to("https://two.example.com/b").unwrap(),
            "https://two.example.com/b"
        );
        assert!(to("http://one.example.com/a").unwrap_err().contains("out of TLS"));
        assert!(to("").is_err());
    }
}
