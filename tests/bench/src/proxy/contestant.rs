//! Who is measured: nobody in between, our proxy, nginx and HAProxy, each with one thread and pooled connections.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use testbed::wait::{self, Probe};
use testbed::{Process, ProcessSpec, Run};
use tokio::net::TcpStream;

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(10);

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Who {
    Direct,
    Throughline,
    Nginx,
    Haproxy,
}

impl Who {
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::Throughline, Self::Nginx, Self::Haproxy];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Throughline => "throughline",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }
}

/// One that is there.
#[derive(Debug)]
pub(super) struct Contestant {
    pub(super) who: Who,
    pub(super) address: SocketAddr,
    /// The process whose CPU time counts.
    pub(super) pid: u32,
}

/// One of our own processes, by its announcement.
pub(super) async fn ourselves(run: &Run, who: Who, args: &[&str]) -> Result<Contestant> {
    let process = crate::bed::ourselves(run, args[0], args)?;
    let announced = |line: &str| line.strip_prefix("listening http://")?.parse().ok();
    let address = process.line(&run.deadline(START), announced).await?;
    Ok(Contestant {
        who,
        address,
        pid: process.pid(),
    })
}

/// A rival in front of a server, or why there is none.
pub(super) async fn rival(run: &Run, who: Who, upstream: SocketAddr) -> Result<Result<Contestant, String>> {
    let (program, package) = match who {
        Who::Haproxy => ("haproxy", "haproxy"),
        _ => ("nginx", "nginx-light"),
    };
    let Some(path) = find(program) else {
        return Ok(Err(format!(
            "no `{program}` on PATH or in /usr/sbin: `apt-get install {package}`"
        )));
    };
    let folder = run.dir().file(program);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let address = free_port()?;
    let configuration = folder.join(format!("{program}.conf"));
    let (text, args) = match who {
        Who::Haproxy => (haproxy(address, upstream), vec!["-db".into(), "-f".into()]),
        _ => {
            let log = folder.join("error.log").into_os_string();
            let args = vec!["-p".into(), folder.clone().into(), "-e".into(), log, "-c".into()];
            (nginx(address, upstream, &folder), args)
        }
    };
    fs::write(&configuration, text)?;
    let process = run.supervise(ProcessSpec::new(program, path).args(args).arg(configuration))?;
    listening(run, &process, address).await?;
    Ok(Ok(Contestant {
        who,
        address,
        pid: process.pid(),
    }))
}

async fn listening(run: &Run, process: &Process, address: SocketAddr) -> Result<()> {
    let look = || async {
        if let Some(exit) = process.exited() {
            let said = process.tail().join("\n");
            return Probe::Broken(std::io::Error::other(format!("{exit}: {said}")));
        }
        match TcpStream::connect(address).await {
            Ok(_) => Probe::Ready(()),
            Err(error) => Probe::not_yet(error.to_string()),
        }
    };
    let what = format!("{} to listen", process.name());
    Ok(wait::until(&run.deadline(START), &what, look).await?)
}

/// Neither of the rivals takes port 0, so a port is picked for them; nobody else is given it that soon.
fn free_port() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

/// Debian installs both where only root looks.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn nginx(address: SocketAddr, upstream: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\n\
         master_process off;\n\
         worker_processes 1;\n\
         pid {folder}/nginx.pid;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
         \x20 access_log off;\n\
         \x20 client_body_temp_path {folder}/body;\n\
         \x20 proxy_temp_path {folder}/proxy;\n\
         \x20 fastcgi_temp_path {folder}/fastcgi;\n\
         \x20 uwsgi_temp_path {folder}/uwsgi;\n\
         \x20 scgi_temp_path {folder}/scgi;\n\
         \x20 keepalive_requests 100000000;\n\
         \x20 upstream pod {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}\n\
         \x20 server {{\n\
         \x20   listen {address};\n\
         \x20   location / {{\n\
         \x20     proxy_pass http://pod;\n\
         \x20     proxy_http_version 1.1;\n\
         \x20     proxy_set_header Connection \"\";\n\
         \x20     proxy_set_header Host $http_host;\n\
         \x20   }}\n\
         \x20 }}\n\
         }}\n"
    )
}

fn haproxy(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "global\n\
         \x20 nbthread 1\n\
         \x20 maxconn 1024\n\
         defaults\n\
         \x20 mode http\n\
         \x20 http-reuse always\n\
         \x20 timeout connect 5s\n\
         \x20 timeout client 60s\n\
         \x20 timeout server 60s\n\
         frontend service\n\
         \x20 bind {address}\n\
         \x20 default_backend pod\n\
         backend pod\n\
         \x20 server pod {upstream}\n"
    )
}
