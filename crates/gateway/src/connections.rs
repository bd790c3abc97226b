//! How many connections one address or one tenant may keep, so that nobody can take the listener
//! from the others (docs/adr/0029).
//!
//! A connection counts for the network of its peer until its first authenticated request, and from
//! then on for the tenant of that request. Connections of declared proxies count for nobody: they
//! carry requests of many. A connection without an authenticated request is closed after its
//! answer: the HTTP library lets it stay open for as long as its client likes once a second request
//! has begun and does not go on.

use crate::origin::Proxies;
use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
    rt::net::TcpStream,
};
use prometheus::{IntCounter, IntGaugeVec, Registry};
use socket2::SockRef;
use std::{
    any::Any,
    cell::Cell,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Shutdown},
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use store::{Network, TenantId};
use tokens::Seldom;
use web::{Authenticated, OnAuthenticated};

/// One address may keep one connection in ten without an authenticated request; one tenant one in
/// ten with them.
const ONE_IN: usize = 10;

/// The metrics of connections, by listener.
pub(crate) struct ConnectionMetrics {
    open: IntGaugeVec,
    refused: prometheus::IntCounterVec,
}

impl ConnectionMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// They are registered already.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<ConnectionMetrics> {
        let open = IntGaugeVec::new(
            prometheus::Opts::new(
                "juno_connections",
                "Open connections, by listener, and whether one of their requests was authenticated.",
            ),
            &["listener", "state"],
        )?;
        let refused = prometheus::IntCounterVec::new(
            prometheus::Opts::new(
                "juno_connections_refused_total",
                "Connections closed at once, as their address had too many without an authenticated request.",
            ),
            &["listener"],
        )?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        Ok(ConnectionMetrics { open, refused })
    }
}

/// The connections of one listener.
pub(crate) struct Connections {
    listener: &'static str,
    /// Most connections of one owner.
    most: usize,
    proxies: Proxies,
    counts: Mutex<Counts>,
    open: [prometheus::IntGauge; 2],
    refused: IntCounter,
    log: Seldom,
}

#[derive(Default)]
struct Counts {
    networks: HashMap<Network, usize>,
    tenants: HashMap<TenantId, usize>,
}

/// For whom a connection counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// For the network of a peer that has shown no valid credential.
    Stranger(Network),
    /// For a tenant.
    Tenant(TenantId),
    /// For nobody: the peer is a declared proxy, or an operator.
    Nobody,
}

/// One connection. It stops counting when it is dropped, which is when it is closed.
struct Connection {
    all: Arc<Connections>,
    owner: Cell<Owner>,
    is_authenticated: Cell<bool>,
}

/// A connection, as requests find it in the data of their connection.
struct Held(Rc<Connection>);

impl Connections {
    /// Of a listener that has at most `most` connections, and its settings in the section
    /// `listener`.
    pub(crate) fn new(
        listener: &'static str,
        most: usize,
        proxies: Proxies,
        metrics: &ConnectionMetrics,
    ) -> Arc<Connections> {
        let open = |state| metrics.open.with_label_values(&[listener, state]);
        Arc::new(Connections {
            listener,
            most: (most / ONE_IN).max(1),
            proxies,
            counts: Mutex::default(),
            open: [open("unauthenticated"), open("authenticated")],
            refused: metrics.refused.with_label_values(&[listener]),
            log: Seldom::new(),
        })
    }

    /// Called with each new connection, before it is read: counts it, or shuts it down if its
    /// address has too many.
    pub(crate) fn accept(self: &Arc<Connections>, socket: &dyn Any, data: &mut Extensions) {
        let Some(socket) = socket.downcast_ref::<TcpStream>() else { return };
        // Without an address it is closed already.
        let Ok(peer) = socket.peer_addr() else { return };
        match self.open(peer.ip()) {
            Some(connection) => {
                let (held, connection) = (Rc::clone(&connection), connection);
                data.insert(OnAuthenticated::new(move |tenant| connection.belongs_to(Owner::Tenant(tenant))));
                data.insert(Held(held));
            }
            None => {
                // The HTTP library reads the end of the connection and drops it.
                let _ = SockRef::from(socket).shutdown(Shutdown::Both);
                self.refuse(peer.ip(), Instant::now());
            }
        }
    }

    fn open(self: &Arc<Connections>, peer: IpAddr) -> Option<Rc<Connection>> {
        let owner = match self.proxies.trusts(peer.to_canonical()) {
            true => Owner::Nobody,
            false => Owner::Stranger(Network::of(peer)),
        };
        let mut counts = self.counts();
        if counts.of(owner) >= self.most {
            return None;
        }
        counts.add(owner);
        drop(counts);
        self.open[0].inc();
        Some(Rc::new(Connection {
            all: Arc::clone(self),
            owner: Cell::new(owner),
            is_authenticated: Cell::new(false),
        }))
    }

    fn refuse(&self, peer: IpAddr, now: Instant) {
        self.refused.inc();
        if let Some(omitted) = self.log.admit(now) {
            let (listener, most) = (self.listener, self.most);
            tracing::warn!(
                network = %Network::of(peer),
                most,
                omitted,
                "connections refused: this address has too many without an authenticated request; if it is a proxy of \
                 yours, name it in {listener}.trusted_proxies"
            );
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn of(&self, owner: Owner) -> usize {
        let count = match owner {
            Owner::Stranger(network) => self.networks.get(&network),
            Owner::Tenant(tenant) => self.tenants.get(&tenant),
            Owner::Nobody => None,
        };
        count.copied().unwrap_or_default()
    }

    fn add(&mut self, owner: Owner) {
        match owner {
            Owner::Stranger(network) => *self.networks.entry(network).or_default() += 1,
            Owner::Tenant(tenant) => *self.tenants.entry(tenant).or_default() += 1,
            Owner::Nobody => {}
        }
    }

    fn remove(&mut self, owner: Owner) {
        match owner {
            Owner::Stranger(network) => take_one(&mut self.networks, network),
            Owner::Tenant(tenant) => take_one(&mut self.tenants, tenant),
            Owner::Nobody => {}
        }
    }
}

/// An owner without connections is forgotten.
fn take_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    match counts.get_mut(&key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(&key)),
    }
}

impl Connection {
    /// Counts it for whom an authenticated request has shown it to be. A proxy's stays the proxy's.
    fn belongs_to(&self, owner: Owner) {
        if !self.is_authenticated.replace(true) {
            self.all.open[0].dec();
            self.all.open[1].inc();
        }
        let before = self.owner.get();
        if before == owner || before == Owner::Nobody {
            return;
        }
        let mut counts = self.all.counts();
        counts.remove(before);
        counts.add(owner);
        self.owner.set(owner);
    }

    /// Whether it is closed after its answer: it has had no authenticated request, or its tenant
    /// has too many.
    fn is_to_close(&self) -> bool {
        match self.owner.get() {
            Owner::Stranger(_) => true,
            owner @ Owner::Tenant(_) => self.all.counts().of(owner) > self.all.most,
            Owner::Nobody => false,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open[usize::from(self.is_authenticated.get())].dec();
        let mut counts = self.all.counts();
        counts.remove(self.owner.get());
    }
}

/// Middleware: closes connections that may not stay open, after their answer.
pub(crate) async fn close<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let is_to_close =
        response.request().conn_data::<Held>().is_some_and(|Held(connection)| connection.is_to_close());
    if is_to_close {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Middleware of the operators' listener: a connection with a session or an API token counts for
/// nobody.
pub(crate) async fn recognise<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let response = next.call(request).await?;
    let request = response.request();
    if let Some(Held(connection)) = request.conn_data::<Held>()
        && request.extensions().contains::<Authenticated>()
    {
        connection.belongs_to(Owner::Nobody);
    }
    Ok(response)
}
