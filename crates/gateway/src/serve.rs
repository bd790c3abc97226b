//! `juno serve`: the listeners, their timers, and an orderly end.

use crate::{
    access_log::{self, AccessLog, StrangerMetrics},
    answer::{self, CommandError},
    cli::{Role, Serve},
    clock, command,
    connections::{self, ConnectionMetrics, Connections},
    credentials::CredentialWatch,
    lookups, metrics, oauth, origin,
    purge::Purge,
    routing::{self, Hosts},
    settings::Settings,
    steady_clock::SteadyClock,
    unread, user_names,
};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    rt::{self, net::TcpStream},
    web::{self, Data},
};
use admin::{Admin, Monitoring, Setup, SetupSettings};
use keys::SigningKeys;
use oauth_api::Oauth;
use prometheus::Registry;
use scim::{limits::DocumentLimits, search::PageLimits};
use scim_api::{Limits, Metrics};
use serde_json::json;
use socket2::SockRef;
use std::{
    any::Any,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use store::{
    Store,
    bytes::{self, Budget},
};
use tokens::{AccessTokens, Authenticator, CacheSettings, operator::ThrottleSettings};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Most connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;
/// How often the rates of silent clients are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Serves until the process is asked to stop.
pub(crate) fn serve(settings: &Settings, options: &Serve, json: bool) -> Result<(), CommandError> {
    rt::System::new().block_on(run(settings, options, json))
}

async fn run(settings: &Settings, options: &Serve, json: bool) -> Result<(), CommandError> {
    // Asked for first, so that a request to stop is never missed.
    let mut stop =
        Stop::listen().map_err(|cause| CommandError::failed("signals cannot be received")(&cause))?;
    let admin_listener = bind("admin.listen", settings.admin.listen)?;
    let scim_listener = match options.role {
        Role::All | Role::Scim => Some(bind("scim.listen", settings.scim.listen)?),
        Role::Admin => None,
    };
    let store = command::open_store(settings)?;
    let failed = CommandError::failed("the listeners cannot be started");
    let registry = metrics::registry().map_err(|cause| failed(&cause))?;

    let admin_address = admin_listener.local_addr().map_err(|cause| failed(&cause))?;
    // The Tenant URL is that of the SCIM listener, which may have been given any free port.
    let scim_address = match &scim_listener {
        Some(listener) => listener.local_addr().map_err(|cause| failed(&cause))?,
        None => settings.scim.listen,
    };
    let monitoring = Data::new(Monitoring::new(store.clone(), registry.clone()));
    let use_cases = match options.role {
        Role::All | Role::Admin => {
            Some(Data::new(command::open_admin(settings, store.clone(), scim_address)?))
        }
        Role::Scim => None,
    };
    let rim = Rim::register(&registry).map_err(|cause| failed(&cause))?;
    let admin = operators(settings, &rim, monitoring, use_cases.clone(), admin_listener)
        .map_err(|cause| failed(&cause))?;
    let mut handles = vec![admin.handle()];
    rt::spawn(admin);

    let steady = SteadyClock::new(store.clone(), &registry).map_err(|cause| failed(&cause))?;
    let purge = Purge::new(store.clone(), steady.clone(), settings.provisioning.keep_deleted, &registry);
    rt::spawn(purge.map_err(|cause| failed(&cause))?.run());
    rt::spawn(lookups::tend(store.clone()));
    rt::spawn(user_names::tend(store.clone()));
    let tokens = &settings.tokens;
    let watch =
        CredentialWatch::new(store.clone(), tokens.silence, &registry).map_err(|cause| failed(&cause))?;

    let mut listening = json!({ "admin": format!("http://{admin_address}") });
    let mut app = None;
    if let Some(listener) = scim_listener {
        let address = listener.local_addr().map_err(|cause| failed(&cause))?;
        let public_url = settings.public_url(address);
        let scim_metrics = Metrics::register(&registry).map_err(|cause| failed(&cause))?;
        let keys = Arc::new(SigningKeys::new(store.clone(), settings.oauth.signing_key_lifetime));
        keys.refresh(clock::now()).await.map_err(|cause| failed(&cause))?;
        let access_tokens = Arc::new(AccessTokens::new(keys, public_url.as_str()));
        let oauth =
            Oauth::new(oauth::settings(settings), store.clone(), Arc::clone(&access_tokens), &registry);
        let oauth = Data::new(oauth.map_err(|cause| failed(&cause))?);
        let state = scim_state(settings, store.clone(), access_tokens, scim_metrics, public_url.as_str());
        state.authenticator().remember(clock::now()).await.map_err(|cause| failed(&cause))?;
        metrics::register_counts(&registry, &state, &store).map_err(|cause| failed(&cause))?;
        if let Some(use_cases) = use_cases {
            let state = state.clone();
            use_cases.when_credentials_end(move || state.authenticator().forget());
        }
        let hosts = Data::new(Hosts::new(settings.scim.host_suffix.clone(), &public_url));
        let setup = Data::new(setup_pages(settings, store.clone(), public_url.as_str(), state.clone()));
        let server =
            provisioning_clients(settings, &rim, state.clone(), oauth.clone(), setup, hosts, listener)
                .map_err(|cause| failed(&cause))?;
        handles.push(server.handle());
        rt::spawn(server);
        rt::spawn(timers(state.clone(), oauth.clone(), tokens.last_used_interval));
        rt::spawn(async move { oauth::refresh_keys(oauth.keys(), &steady).await });
        listening["scim"] = format!("http://{address}").into();
        listening["public_url"] = public_url.as_str().into();
        app = Some(state);
    }
    let remembers = app.clone();
    let forget = move || remembers.iter().for_each(|app| app.authenticator().forget());
    rt::spawn(watch.run(tokens.rotation_interval, forget));
    drop(store);

    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        scim = listening["scim"].as_str(),
        public_url = listening["public_url"].as_str(),
        admin = listening["admin"].as_str(),
        "ready"
    );
    if json {
        answer::say(&listening.to_string());
    }
    let name = stop.wait().await;
    tracing::info!(signal = name, "stopping: requests in flight may finish");
    shut_down(handles, &mut stop).await;
    if let Some(app) = app {
        flush_last_used(&app).await;
    }
    tracing::info!("stopped");
    Ok(())
}

fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, CommandError> {
    let listener = TcpListener::bind(address);
    // Listening once more only changes how many may wait.
    let listener = listener.and_then(|listener| SockRef::from(&listener).listen(BACKLOG).map(|()| listener));
    listener.map_err(|cause| CommandError::Failed(format!("{key}: cannot listen at {address}: {cause}")))
}

pub(crate) fn scim_state(
    settings: &Settings,
    store: Store,
    access_tokens: Arc<AccessTokens>,
    metrics: Metrics,
    public_url: &str,
) -> Data<scim_api::App> {
    let (scim, tokens) = (&settings.scim, &settings.tokens);
    let cache = CacheSettings { ttl: tokens.cache_ttl, capacity: tokens.cache_capacity.get().into() };
    let limits = Limits {
        page: PageLimits { default: scim.page_size.get(), max: scim.max_page_size.get() },
        max_body: scim.max_body.bytes(),
        body_timeout: scim.body_timeout,
        page_bytes: settings.capacity.page_bytes.bytes(),
        write_timeout: scim.write_timeout,
        bulk_max_operations: scim.bulk_max_operations.size(),
        document: DocumentLimits {
            bytes: settings.provisioning.max_document.bytes(),
            ..DocumentLimits::default()
        },
    };
    let authenticator = Authenticator::new(store.clone(), cache, oauth::ration(settings));
    let authenticator = authenticator.with_access_tokens(access_tokens);
    let capacity = &settings.capacity;
    let budget = Budget::new(bytes::Limits {
        per_holder: capacity.bytes_per_tenant.bytes(),
        total: capacity.bytes.bytes(),
    });
    Data::new(scim_api::App::new(store, authenticator, metrics, limits, budget, public_url, clock::now))
}

/// What the customer's pages stand on.
fn setup_pages(settings: &Settings, store: Store, public_url: &str, state: Data<scim_api::App>) -> Setup {
    let (setup, policy) = (&settings.setup, command::setup_policy(settings));
    let throttle = ThrottleSettings { attempts: setup.wrong_links.get(), window: setup.wrong_links_window };
    let (public_url, body_timeout) = (public_url.to_owned(), settings.scim.body_timeout);
    let unknown = oauth::ration(settings);
    let settings = SetupSettings { public_url, policy, throttle, unknown, body_timeout };
    Setup::new(store, settings, clock::now, move || state.authenticator().forget())
}

/// What is measured where requests come in, on both listeners.
struct Rim {
    connections: ConnectionMetrics,
    strangers: StrangerMetrics,
}

impl Rim {
    fn register(registry: &Registry) -> prometheus::Result<Rim> {
        Ok(Rim {
            connections: ConnectionMetrics::register(registry)?,
            strangers: StrangerMetrics::register(registry)?,
        })
    }

    fn log(&self, listener: &'static str) -> Data<AccessLog> {
        Data::new(AccessLog::new(listener, self.strangers.clone()))
    }
}

/// The SCIM listener: provisioning clients, and the pages of those who set them up.
fn provisioning_clients(
    settings: &Settings,
    rim: &Rim,
    state: Data<scim_api::App>,
    oauth: Data<Oauth>,
    setup: Data<Setup>,
    hosts: Data<Hosts>,
    listener: TcpListener,
) -> io::Result<Server> {
    let scim = &settings.scim;
    let proxies = Data::new(scim.trusted_proxies.clone());
    let most = scim.max_connections.size();
    let connections = Connections::new("scim", most, scim.trusted_proxies.clone(), &rim.connections);
    let (log, write_timeout) = (rim.log("scim"), scim.write_timeout);
    let workers = match scim.workers.size() {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let app = move || {
        App::new()
            .app_data(state.clone())
            .app_data(oauth.clone())
            .app_data(hosts.clone())
            .app_data(setup.clone())
            .configure(|config| admin::configure_setup(config, &setup))
            .configure(oauth_api::configure)
            .configure(scim_api::configure)
            .default_service(web::to(routing::outside))
            .wrap(from_fn(unread::close))
            .wrap(from_fn(routing::route))
            .wrap(from_fn(routing::in_scim_words))
            .wrap(from_fn(access_log::record))
            .wrap(from_fn(connections::close))
            .app_data(log.clone())
            .app_data(proxies.clone())
            .wrap(from_fn(origin::find))
    };
    let server = HttpServer::new(app)
        .workers(workers)
        .max_connections(most.div_ceil(workers))
        .on_connect(move |socket, data| {
            cut_off_after(write_timeout, socket);
            connections.accept(socket, data);
        })
        // A client that closes its side has gone: what it asked for is dropped, and ended where it runs.
        .h1_allow_half_closed(false)
        .keep_alive(scim.keep_alive)
        .client_request_timeout(scim.head_timeout)
        .shutdown_timeout(scim.shutdown_timeout.as_secs())
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// The operators' listener: API and console unless there are no use cases, health and metrics in any case.
fn operators(
    settings: &Settings,
    rim: &Rim,
    monitoring: Data<Monitoring>,
    admin: Option<Data<Admin>>,
    listener: TcpListener,
) -> io::Result<Server> {
    let proxies = Data::new(settings.admin.trusted_proxies.clone());
    let most = settings.admin.max_connections.size();
    let trusted = settings.admin.trusted_proxies.clone();
    let connections = Connections::new("admin", most, trusted, &rim.connections);
    let (log, write_timeout) = (rim.log("admin"), settings.scim.write_timeout);
    let app = move || {
        let app = App::new().app_data(monitoring.clone()).configure(admin::configure_monitoring);
        let app = match admin.clone() {
            Some(admin) => {
                app.app_data(admin).configure(admin::configure_api).configure(admin::configure_console)
            }
            None => app,
        };
        app.wrap(from_fn(unread::close))
            .wrap(from_fn(access_log::record_operators))
            .wrap(from_fn(connections::close))
            .wrap(from_fn(connections::recognise))
            .app_data(log.clone())
            .app_data(proxies.clone())
            .wrap(from_fn(origin::find))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(most)
        .on_connect(move |socket, data| {
            cut_off_after(write_timeout, socket);
            connections.accept(socket, data);
        })
        .h1_allow_half_closed(false)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// Closes a connection whose client reads nothing for this long. The HTTP library has no such limit: it would keep the
/// connection, and the answer in memory, for as long as the client likes.
fn cut_off_after(time: Duration, connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(cause) = SockRef::from(stream).set_tcp_user_timeout(Some(time))
    {
        tracing::warn!(%cause, "a connection has no time limit for clients that do not read");
    }
}

/// What is done now and then, beside requests.
async fn timers(app: Data<scim_api::App>, oauth: Data<Oauth>, last_used: Duration) {
    let mut flush = tokio::time::interval(last_used);
    let mut forget = tokio::time::interval(FORGET_INTERVAL);
    loop {
        tokio::select! {
            _ = flush.tick() => flush_last_used(&app).await,
            () = app.authenticator().first_use() => flush_last_used(&app).await,
            _ = forget.tick() => {
                oauth.forget().await;
            }
        }
    }
}

async fn flush_last_used(app: &scim_api::App) {
    if let Err(cause) = app.authenticator().flush_last_used().await {
        tracing::warn!(%cause, "uses of credentials are not written; they are kept for the next time");
    }
}

/// Stops accepting and lets requests in flight finish; a second signal ends them.
async fn shut_down(handles: Vec<ServerHandle>, stop: &mut Stop) {
    let graceful = async {
        for handle in &handles {
            handle.stop(true).await;
        }
    };
    tokio::select! {
        () = graceful => {}
        name = stop.wait() => {
            tracing::warn!(signal = name, "stopping at once");
            for handle in &handles {
                handle.stop(false).await;
            }
        }
    }
}

/// The requests to stop that operating systems and people send.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> io::Result<Stop> {
        Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
