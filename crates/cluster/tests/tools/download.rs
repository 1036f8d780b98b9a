//! Programs that are downloaded, from a server on this machine that is good, or bad in one way after the other.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::download::{Bounds, DownloadError, Planned, fetch};
use cluster::program::Program;
use sha2::{Digest, Sha256};
use testbed::text::Took;
use testbed::{Deadline, Explain};

use crate::fakes::{generous, told};

const TOOL: &str = "#!/bin/sh\necho kind v9.9.9\n";

/// Serves each connection with these bytes, one after the other, and hangs up, or never says another word.
fn serve(answers: Vec<String>, hangs: bool) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/kind", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open: Vec<TcpStream> = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            if hangs {
                open.push(stream);
            } else {
                stream.shutdown(Shutdown::Write).unwrap();
            }
        }
        if hangs {
            // Until whoever asked has had enough.
            for mut stream in open {
                let _ = stream.read_to_end(&mut Vec::new());
            }
        }
    });
    url
}

fn ok(length: usize, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn planned(url: &str) -> Planned {
    Planned {
        program: Program::Kind,
        url: url.to_owned(),
        sha256: const_hex::encode(Sha256::digest(TOOL)),
    }
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn fresh(&self) -> PathBuf {
        self.folder.path().join("kind.download")
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("tools/kind")
    }

    async fn fetch(&self, url: &str, deadline: &Deadline) -> Result<(), DownloadError> {
        let bounds = Bounds {
            bytes: 1000,
            silence: Duration::from_secs(3),
        };
        fetch(&planned(url), &self.fresh(), &self.target(), &bounds, deadline).await
    }

    /// What people are told, and that nothing stays.
    async fn refusal(&self, url: &str) -> String {
        let error = self.fetch(url, &generous()).await.unwrap_err();
        assert!(
            !self.fresh().exists() && !self.target().exists(),
            "something stays"
        );
        told(&error as &dyn Explain).replace(url, "[url]")
    }
}

fn runs(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o111 == 0o111
}

#[tokio::test]
async fn what_has_the_right_checksum_is_put_in_its_place() {
    let place = Place::new();
    place
        .fetch(&serve(vec![ok(TOOL.len(), TOOL)], false), &generous())
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(place.target()).unwrap(), TOOL);
    assert!(runs(&place.target()));
    assert!(!place.fresh().exists());
}

#[tokio::test]
async fn a_redirection_is_followed_and_an_endless_one_is_not() {
    let place = Place::new();
    let end = serve(vec![ok(TOOL.len(), TOOL)], false);
    let redirection = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    place
        .fetch(&serve(vec![redirection(&end)], false), &generous())
        .await
        .unwrap();
    assert!(place.target().exists());
    let place = Place::new();
    let endless = serve(vec![redirection("/again"); 10], false);
    insta::assert_snapshot!("download_endless", place.refusal(&endless).await);
}

#[tokio::test]
async fn what_has_another_checksum_is_refused_and_removed_and_the_old_one_stays() {
    let place = Place::new();
    let other = TOOL.replace("9.9.9", "6.6.6");
    let told_of = place.refusal(&serve(vec![ok(other.len(), &other)], false)).await;
    insta::assert_snapshot!("download_checksum", told_of);
    std::fs::create_dir(place.folder.path().join("tools")).unwrap();
    std::fs::write(place.target(), "the old one").unwrap();
    let url = serve(vec![ok(other.len(), &other)], false);
    place.fetch(&url, &generous()).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(place.target()).unwrap(), "the old one");
}

#[tokio::test]
async fn what_is_cut_off_is_no_program() {
    let url = serve(vec![ok(TOOL.len() + 100, TOOL)], false);
    let told = Place::new().refusal(&url).await;
    assert!(told.contains("[url] can't be downloaded"), "{told}");
}

#[tokio::test]
async fn what_is_not_there_is_told_with_its_status() {
    let absent = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
    insta::assert_snapshot!(
        "download_absent",
        Place::new().refusal(&serve(vec![absent], false)).await
    );
}

#[tokio::test]
async fn more_than_any_program_has_is_not_taken_whether_it_was_announced_or_not() {
    let announced = serve(vec![ok(5000, "x")], true);
    insta::assert_snapshot!("download_too_big", Place::new().refusal(&announced).await);
    let unannounced = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000));
    let told = Place::new().refusal(&serve(vec![unannounced], false)).await;
    assert!(told.contains("sends more than"), "{told}");
}

#[tokio::test]
async fn silence_is_given_up_before_and_after_the_first_byte() {
    let silent = Place::new().refusal(&serve(vec![String::new()], true)).await;
    assert!(
        silent.contains(&Took(Duration::from_secs(3)).to_string()),
        "{silent}"
    );
    insta::assert_snapshot!(
        "download_silent",
        Place::new()
            .refusal(&serve(vec![ok(TOOL.len(), "#!")], true))
            .await
    );
}

#[tokio::test]
async fn the_time_for_all_of_it_is_bounded_too() {
    let place = Place::new();
    let url = serve(vec![ok(TOOL.len(), "#!")], true);
    let error = place
        .fetch(&url, &Deadline::after(Duration::from_millis(500)))
        .await
        .unwrap_err();
    assert!(matches!(error, DownloadError::TooSlow { .. }), "{error:?}");
    assert!(!place.fresh().exists());
}

#[tokio::test]
async fn no_network_is_a_fact_with_a_hint() {
    // Nobody listens on port 1.
    insta::assert_snapshot!(
        "download_no_network",
        Place::new().refusal("http://127.0.0.1:1/kind").await
    );
}

#[tokio::test]
async fn https_is_spoken_and_what_is_no_tls_is_refused() {
    let url = serve(vec![ok(TOOL.len(), TOOL)], false).replace("http:", "https:");
    let told = Place::new().refusal(&url).await;
    assert!(told.contains("[url] can't be downloaded"), "{told}");
    assert!(!told.contains("scheme"), "TLS is built in: {told}");
}
