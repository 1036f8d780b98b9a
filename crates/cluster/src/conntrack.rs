//! What this machine's connection tracking remembers of UDP. The rules of iptables' nat table are asked for the first packet from a
//! port to an address; the others go where that one went, until there was none for half a minute (two minutes when there were
//! several, `nf_conntrack_udp_timeout` and `nf_conntrack_udp_timeout_stream`), whatever the rules are by then.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, IPTuple, ProtoTuple, Protocol, Tuple,
};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_NETFILTER;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

/// How long the kernel may take for one answer; usually far less than a millisecond.
const ANSWER: Duration = Duration::from_secs(2);
/// Larger than the 32 KiB in which the kernel tells at most.
const BUFFER: usize = 64 * 1024;

/// Packets of UDP from one port to another, and where the answers come from: another address than they were sent to when a rule of
/// the nat table led them there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Who sent the first packet.
    pub(crate) source: SocketAddr,
    /// Where to.
    pub(crate) destination: SocketAddr,
    /// Who answers.
    pub(crate) answers_from: SocketAddr,
    /// Whom.
    pub(crate) answers_to: SocketAddr,
    key: Vec<Tuple>,
}

impl Flow {
    /// One that the kernel was not asked about.
    #[cfg(test)]
    pub(crate) fn between(
        source: SocketAddr,
        destination: SocketAddr,
        answers_from: SocketAddr,
        answers_to: SocketAddr,
    ) -> Self {
        Self {
            source,
            destination,
            answers_from,
            answers_to,
            key: Vec::new(),
        }
    }

    /// Whether no rule changed where its packets go or come from: it is no loss to forget it.
    #[must_use]
    pub(crate) fn is_direct(&self) -> bool {
        self.answers_from == self.destination && self.answers_to == self.source
    }
}

/// A socket to the kernel.
pub(crate) struct Conntrack {
    socket: Socket,
}

impl Conntrack {
    /// Opens it.
    ///
    /// # Errors
    /// The kernel has none.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = Socket::new(NETLINK_NETFILTER)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(ANSWER))?;
        Ok(Self { socket })
    }

    /// All that is remembered of UDP.
    ///
    /// # Errors
    /// Without root, or when the kernel does not track connections.
    pub(crate) fn udp(&self) -> io::Result<Vec<Flow>> {
        self.send(NLM_F_REQUEST | NLM_F_DUMP, ConntrackMessage::Get(Vec::new()))?;
        let mut flows = Vec::new();
        while self.receive(|message| {
            if let ConntrackMessage::New(attributes) = message {
                flows.extend(udp(&attributes));
            }
        })? {}
        Ok(flows)
    }

    /// Forgets one. That it is not there any more is fine.
    ///
    /// # Errors
    /// Without root.
    pub(crate) fn forget(&self, flow: &Flow) -> io::Result<()> {
        let key = ConntrackAttribute::CtaTupleOrig(flow.key.clone());
        self.send(NLM_F_REQUEST | NLM_F_ACK, ConntrackMessage::Delete(vec![key]))?;
        match self.receive(|_| ()) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn send(&self, flags: u16, message: ConntrackMessage) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        let family = NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0);
        let payload = NetlinkPayload::from(NetfilterMessage::new(family, message));
        let mut packet = NetlinkMessage::new(header, payload);
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(drop)
    }

    /// Reads what the kernel says next, and whether more comes.
    fn receive(&self, mut tell: impl FnMut(ConntrackMessage)) -> io::Result<bool> {
        let mut bytes = Vec::with_capacity(BUFFER);
        self.socket.recv(&mut bytes, 0)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let packet = NetlinkMessage::<NetfilterMessage>::deserialize(rest).map_err(io::Error::other)?;
            match packet.payload {
                NetlinkPayload::Done(_) => return Ok(false),
                // That everything is well is told as an error without a code.
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                NetlinkPayload::Error(_) => return Ok(false),
                NetlinkPayload::InnerMessage(NetfilterMessage {
                    inner: NetfilterMessageInner::Conntrack(message),
                    ..
                }) => tell(message),
                _ => {}
            }
            // Each begins at a multiple of four.
            let length = (packet.header.length as usize).next_multiple_of(4).max(1);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(true)
    }
}

/// What the kernel says of one connection, when it is UDP.
fn udp(attributes: &[ConntrackAttribute]) -> Option<Flow> {
    let (mut asked, mut answered) = (None, None);
    for attribute in attributes {
        match attribute {
            ConntrackAttribute::CtaTupleOrig(tuple) => asked = Some(tuple),
            ConntrackAttribute::CtaTupleReply(tuple) => answered = Some(tuple),
            _ => {}
        }
    }
    let key = asked?;
    let (source, destination) = ends(key)?;
    let (answers_from, answers_to) = ends(answered?)?;
    Some(Flow {
        source,
        destination,
        answers_from,
        answers_to,
        key: key.clone(),
    })
}

/// From where to where, when it is UDP.
fn ends(tuple: &[Tuple]) -> Option<(SocketAddr, SocketAddr)> {
    let (mut from, mut to): (Option<IpAddr>, Option<IpAddr>) = (None, None);
    let (mut from_port, mut to_port, mut is_udp) = (None, None, false);
    for part in tuple {
        match part {
            Tuple::Ip(addresses) => {
                for address in addresses {
                    match address {
                        IPTuple::SourceAddress(address) => from = Some(*address),
                        IPTuple::DestinationAddress(address) => to = Some(*address),
                        _ => {}
                    }
                }
            }
            Tuple::Proto(ports) => {
                for port in ports {
                    match port {
                        ProtoTuple::Protocol(protocol) => is_udp = *protocol == Protocol::Udp,
                        ProtoTuple::SourcePort(port) => from_port = Some(*port),
                        ProtoTuple::DestinationPort(port) => to_port = Some(*port),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    is_udp.then_some(())?;
    Some((SocketAddr::new(from?, from_port?), SocketAddr::new(to?, to_port?)))
}
