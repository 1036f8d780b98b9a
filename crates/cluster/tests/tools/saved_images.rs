//! Upstream images in a file that new nodes see: when there is one, for which images, and what stays when it can't be made.

use std::path::{Path, PathBuf};

use cluster::ImageRef;
use cluster::docker::Docker;
use cluster::saved_images::{SaveError, Saved, SavedImages};
use serde_json::{Value, json};
use testbed::Run;

use crate::fakes::{Fakes, always, generous, run};

/// Docker on the machine of this name, with images of these contents.
fn fakes(machine: &str, ids: &[&str], save: Value) -> Fakes {
    let local: Vec<Value> = ids
        .iter()
        .zip(images())
        .map(|(id, image)| json!({"Id": id, "RepoTags": [image.tagged()]}))
        .collect();
    let mut save = save;
    save["when"] = json!(["save"]);
    Fakes::new().tool(
        "docker",
        json!([
            {"when": ["info"], "stdout": json!({"Name": machine, "ServerVersion": "28"}).to_string()},
            {"when": ["inspect"], "stdout": json!(local).to_string()},
            save,
        ]),
    )
}

/// What `docker save` writes: an image without layers.
fn archive(id: &str) -> String {
    let mut tar = tar::Builder::new(Vec::new());
    let manifest = json!([{"Config": "c.json", "RepoTags": ["a/b:1"], "Layers": []}]).to_string();
    for (name, content) in [("c.json", format!("id = {id}")), ("manifest.json", manifest)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    String::from_utf8(tar.into_inner().unwrap()).unwrap()
}

fn this_machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap()
        .trim()
        .to_owned()
}

async fn saved(fakes: &Fakes, folder: &Path) -> Option<SavedImages> {
    let docker = Docker::new(fakes.find("docker"));
    SavedImages::seen_by(&docker, folder, &generous()).await.unwrap()
}

async fn provide(saved: &SavedImages, run: &Run) -> Result<Saved, SaveError> {
    saved.provide(run, &images().each_ref(), &generous()).await
}

fn images() -> [ImageRef; 2] {
    ["a/b:1", "c/d:2"].map(|image| image.parse().unwrap())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_docker_on_another_machine_sees_no_file_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    for (machine, sees) in [
        (this_machine(), true),
        ("docker-desktop".into(), false),
        (String::new(), false),
    ] {
        let fakes = fakes(&machine, &[], json!({}));
        assert_eq!(saved(&fakes, folder.path()).await.is_some(), sees, "{machine:?}");
    }
}

#[tokio::test]
async fn images_are_saved_once_and_anew_when_a_tag_has_moved() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("images");
    let (run, _events) = run(folder.path());
    let mut names = Vec::new();
    for (ids, times) in [(["1", "2"], 2), (["2", "1"], 1), (["1", "3"], 1)] {
        let fakes = fakes(&this_machine(), &ids, json!({"output": archive(ids[1])}));
        let saved = saved(&fakes, &place).await.unwrap();
        let mount = saved.mount().unwrap();
        assert_eq!(mount.here, place);
        for _ in 0..times {
            let found = provide(&saved, &run).await.unwrap();
            let name = found.file.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(found.in_node, format!("{}/{name}", mount.there));
            let content = std::fs::read(&found.file).unwrap();
            let config = format!("id = {}", ids[1]);
            assert!(
                content
                    .windows(config.len())
                    .any(|part| part == config.as_bytes())
            );
            assert_eq!(files(&place), [found.file], "one file, whatever was there before");
            names.push(name);
        }
        let saves = fakes
            .calls()
            .iter()
            .filter(|call| call.ends_with(" a/b:1 c/d:2") && call.starts_with("docker save"))
            .count();
        assert_eq!(saves, 1);
    }
    let different: std::collections::BTreeSet<&String> = names.iter().collect();
    assert!(names[0] == names[1] && different.len() == 3, "{names:?}");
    assert!(!run.dir().file("saved-images").exists());
    assert!(run.undo().names().is_empty());
}

#[tokio::test]
async fn nothing_half_saved_stays() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("images");
    let (run, _events) = run(folder.path());
    let full = json!({"output": "half", "stderr": "write: no space left on device\n", "code": 1});
    let fakes = fakes(&this_machine(), &["1"], full);
    let saved = saved(&fakes, &place).await.unwrap();
    saved.mount().unwrap();
    let error = provide(&saved, &run).await.unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    assert!(files(&place).is_empty());
    // At once: what fills the disk is not there any more when the images come another way.
    assert!(!run.dir().file("saved-images").exists());
    assert!(run.undo().names().is_empty());
}

#[tokio::test]
async fn a_folder_that_can_t_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fakes = Fakes::new().tool(
        "docker",
        always(json!({"stdout": json!({"Name": this_machine(), "ServerVersion": "28"}).to_string()})),
    );
    let error = saved(&fakes, &file.join("images"))
        .await
        .unwrap()
        .mount()
        .unwrap_err();
    assert!(matches!(error, SaveError::File { .. }), "{error}");
    assert!(error.to_string().contains("file/images"), "{error}");
    // Docker reads `host:container`.
    let colon = folder.path().join("a:b");
    let error = saved(&fakes, &colon).await.unwrap().mount().unwrap_err();
    assert!(matches!(error, SaveError::Path(_)), "{error}");
}
