//! Who listens where, from the kernel's tables (`proc_net_tcp` in the Linux kernel's documentation). A process that is to take
//! intercepted traffic must be the one that has the address open; what it says of itself comes after that.
//!
//! Complete on Linux; elsewhere there is no `/proc`, and nobody is seen to listen.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::processes;

/// `TCP_LISTEN` in the state column.
const LISTEN: &str = "0A";

/// The processes that a connection to this address could be answered by: those that have it, or the wildcard of its port, open for
/// listening. Only those that may be looked into.
#[must_use]
pub fn on(address: SocketAddr) -> Vec<u32> {
    let sockets = Sockets::now();
    let wanted = |at: &SocketAddr| at.port() == address.port() && covers(at.ip(), address.ip());
    let mut pids: Vec<u32> = processes::all()
        .into_iter()
        .filter(|&pid| sockets.of(pid).iter().any(wanted))
        .map(i32::cast_unsigned)
        .collect();
    pids.sort_unstable();
    pids
}

/// The addresses that these processes listen on, sorted.
#[must_use]
pub fn of(pids: &[u32]) -> Vec<SocketAddr> {
    let sockets = Sockets::now();
    let mut addresses: Vec<SocketAddr> = pids
        .iter()
        .flat_map(|pid| sockets.of(pid.cast_signed()))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Listening sockets by the inode by which processes hold them.
struct Sockets(HashMap<u64, SocketAddr>);

impl Sockets {
    fn now() -> Self {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let text: String = tables
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .collect();
        Self::parse(&text)
    }

    fn parse(tables: &str) -> Self {
        let listening = tables.lines().filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let inode = columns.get(9)?.parse().ok()?;
            (*columns.get(3)? == LISTEN).then_some((inode, address(columns.get(1)?)?))
        });
        Self(listening.collect())
    }

    fn of(&self, pid: i32) -> Vec<SocketAddr> {
        let Ok(open) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
            return Vec::new();
        };
        open.flatten()
            .filter_map(|one| {
                let target = fs::read_link(one.path()).ok()?;
                let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
                self.0.get(&inode.parse().ok()?).copied()
            })
            .collect()
    }
}

/// `0100007F:1F90`: words of 32 bits in the order of the host, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Vec<u32> = (0..ip.len() / 8)
        .map(|index| u32::from_str_radix(ip.get(index * 8..index * 8 + 8)?, 16).ok())
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let ip = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(
        ip.to_canonical(),
        u16::from_str_radix(port, 16).ok()?,
    ))
}

/// Whether a socket bound to `bound` takes connections to `wanted`. An IPv6 wildcard takes IPv4 too, unless it was told not to.
fn covers(bound: IpAddr, wanted: IpAddr) -> bool {
    bound == wanted || bound.is_unspecified() && (bound.is_ipv6() || wanted.is_ipv4())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let read = |text| address(text).map(|address| address.to_string());
        assert_eq!(read("0100007F:1F90").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(
            read("00000000000000000000000001000000:0050").as_deref(),
            Some("[::1]:80")
        );
        assert_eq!(
            read("0000000000000000FFFF00000100007F:1F90").as_deref(),
            Some("127.0.0.1:8080")
        );
        assert_eq!(read("0100007F"), None);
        assert_eq!(read("01:1F90"), None);
    }

    #[test]
    fn a_listener_is_found_by_its_address_and_a_connection_is_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connection = std::net::TcpStream::connect(address).unwrap();
        let ours = std::process::id();
        assert_eq!(on(address), [ours]);
        assert!(of(&[ours]).contains(&address));
        assert_eq!(on(connection.local_addr().unwrap()), [0; 0]);
        drop(listener);
        assert_eq!(on(address), [0; 0]);
    }

    #[test]
    fn a_wildcard_takes_what_comes_to_its_port() {
        let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(on(([127, 0, 0, 1], port).into()), [std::process::id()]);
    }
}
