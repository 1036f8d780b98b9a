//! Stands in for a tool on PATH. It finds its instructions beside the link it was called by: `kind.json` for `kind`, a
//! list of rules; the first whose words are all among the arguments is followed. What it was called with is appended to
//! `calls.jsonl`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What to do for some calls.
#[derive(Debug, Deserialize)]
struct Rule {
    /// Words that have to be among the arguments.
    #[serde(default)]
    when: Vec<String>,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    stderr: String,
    /// What is written into the file that `--output` names, also when it fails afterwards.
    output: Option<String>,
    /// How often stderr is repeated, for a tool that babbles.
    #[serde(default)]
    babble: usize,
    #[serde(default)]
    code: u8,
    /// Never end.
    #[serde(default)]
    hang: bool,
    /// Only while there is no such file, which is made then: once.
    once: Option<PathBuf>,
}

/// A line of `calls.jsonl`.
#[derive(Debug, Serialize)]
struct Call {
    tool: String,
    args: Vec<String>,
    stdin_bytes: usize,
    docker_host: Option<String>,
    kubeconfig: Option<String>,
    xdg_config_home: Option<String>,
    xdg_cache_home: Option<String>,
}

fn main() -> io::Result<std::process::ExitCode> {
    let mut args = std::env::args();
    let called = args.next().map(PathBuf::from).unwrap_or_default();
    // A shell says only the name by which it found it.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let link = match called.parent() {
        Some(folder) if folder.as_os_str().is_empty() => std::env::split_paths(&path)
            .map(|folder| folder.join(&called))
            .find(|link| link.exists())
            .unwrap_or(called),
        _ => called,
    };
    let args: Vec<String> = args.collect();
    let (folder, tool) = (
        link.parent().unwrap_or(Path::new(".")),
        link.file_name().unwrap_or_default(),
    );
    let tool = tool.to_string_lossy().into_owned();
    let mut stdin = Vec::new();
    io::stdin().read_to_end(&mut stdin)?;
    let call = Call {
        tool: tool.clone(),
        args: args.clone(),
        stdin_bytes: stdin.len(),
        docker_host: std::env::var("DOCKER_HOST").ok(),
        kubeconfig: std::env::var("KUBECONFIG").ok(),
        xdg_config_home: std::env::var("XDG_CONFIG_HOME").ok(),
        xdg_cache_home: std::env::var("XDG_CACHE_HOME").ok(),
    };
    let mut calls = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("calls.jsonl"))?;
    calls.write_all(format!("{}\n", serde_json::to_string(&call)?).as_bytes())?;
    let rules = std::fs::read(folder.join(format!("{tool}.json")))?;
    let rules: Vec<Rule> = serde_json::from_slice(&rules)?;
    for rule in rules {
        if !rule.when.iter().all(|word| args.contains(word)) {
            continue;
        }
        if let Some(mark) = &rule.once {
            let mark = folder.join(mark);
            if mark.exists() {
                continue;
            }
            std::fs::write(mark, "")?;
        }
        let mut after = args.iter().skip_while(|arg| *arg != "--output");
        if let (Some(text), Some(file)) = (&rule.output, after.nth(1)) {
            std::fs::write(file, text)?;
        }
        for _ in 0..=rule.babble {
            io::stderr().write_all(rule.stderr.as_bytes())?;
        }
        io::stdout().write_all(rule.stdout.as_bytes())?;
        io::stdout().flush()?;
        if rule.hang {
            loop {
                std::thread::park();
            }
        }
        return Ok(rule.code.into());
    }
    io::stderr().write_all(format!("fake {tool}: no rule for {args:?}\n").as_bytes())?;
    Ok(99.into())
}
