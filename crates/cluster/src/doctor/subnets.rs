//! Addresses that the machine sends elsewhere already: Telepresence refuses a cluster whose own addresses are among them.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::Path;
use std::str::FromStr;

/// An IPv4 network. Clusters with IPv6 only are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subnet {
    address: u32,
    /// Bits of the prefix, 0 to 32.
    bits: u32,
}

/// A network that something on this machine leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) subnet: Subnet,
    /// `tun0`.
    pub(crate) device: String,
}

/// What kind gives a cluster whose configuration says nothing else: services, then pods.
pub(crate) const OF_KIND: [&str; 2] = ["10.96.0.0/16", "10.244.0.0/16"];

impl Subnet {
    const fn mask(bits: u32) -> u32 {
        match bits {
            0 => 0,
            bits => u32::MAX << (32 - bits),
        }
    }

    /// Whether they have an address in common.
    pub(crate) const fn overlaps(self, other: Self) -> bool {
        let bits = if self.bits < other.bits {
            self.bits
        } else {
            other.bits
        };
        (self.address ^ other.address) & Self::mask(bits) == 0
    }
}

impl FromStr for Subnet {
    type Err = ();

    /// `10.96.0.0/16`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').ok_or(())?;
        let address: Ipv4Addr = address.parse().map_err(|_| ())?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32).ok_or(())?;
        let address = address.to_bits() & Self::mask(bits);
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.address), self.bits)
    }
}

/// The machine's routes, without the default ones and without Telepresence's own.
pub(super) fn routes(proc: &Path) -> Vec<Route> {
    let table = std::fs::read_to_string(proc.join("net/route")).unwrap_or_default();
    table.lines().skip(1).filter_map(route).collect()
}

/// A line of `/proc/net/route`: addresses in hexadecimal, in the order of the network as the host reads them.
fn route(line: &str) -> Option<Route> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let number = |index: usize| {
        u32::from_str_radix(columns.get(index)?, 16)
            .ok()
            .map(u32::from_be)
    };
    let (device, address, mask) = (*columns.first()?, number(1)?, number(7)?);
    let is_default = mask == 0;
    (!is_default && !device.starts_with("tel")).then(|| Route {
        subnet: Subnet {
            address,
            bits: mask.leading_ones(),
        },
        device: device.to_owned(),
    })
}

/// Routes that lead some of these networks' addresses elsewhere.
pub(crate) fn conflicts<'a>(
    routes: &'a [Route],
    cluster: &'a [Subnet],
) -> impl Iterator<Item = (&'a Route, Subnet)> {
    routes.iter().flat_map(|route| {
        let of_it = cluster.iter().filter(|subnet| subnet.overlaps(route.subnet));
        of_it.map(move |subnet| (route, *subnet))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.0/8", "10.96.0.0/16", true)]
    #[case("10.96.7.0/24", "10.96.0.0/16", true)]
    #[case("10.97.0.0/16", "10.96.0.0/16", false)]
    #[case("0.0.0.0/0", "10.96.0.0/16", true)]
    #[case("10.96.0.1/32", "10.96.0.0/16", true)]
    fn networks_overlap_or_not(#[case] one: Subnet, #[case] other: Subnet, #[case] overlap: bool) {
        assert_eq!(one.overlaps(other), overlap);
        assert_eq!(other.overlaps(one), overlap);
    }

    #[test]
    fn default_routes_and_telepresences_own_are_no_conflict() {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir(proc.path().join("net")).unwrap();
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n\
                     tel0\t0000600A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
                     docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        std::fs::write(proc.path().join("net/route"), table).unwrap();
        let routes = routes(proc.path());
        let shown: Vec<String> = routes
            .iter()
            .map(|route| format!("{} {}", route.device, route.subnet))
            .collect();
        assert_eq!(shown, ["tun0 10.0.0.0/8", "docker0 172.17.0.0/16"]);
        let cluster = OF_KIND.map(|text| text.parse().unwrap());
        let found: Vec<String> = conflicts(&routes, &cluster)
            .map(|(route, subnet)| format!("{} {subnet}", route.device))
            .collect();
        assert_eq!(found, ["tun0 10.96.0.0/16", "tun0 10.244.0.0/16"]);
    }

    #[rstest]
    #[case("10.96.0.0")]
    #[case("10.96.0.0/33")]
    #[case("fd00::/64")]
    fn what_is_no_network_of_ipv4_is_refused(#[case] text: &str) {
        assert!(text.parse::<Subnet>().is_err());
    }
}
