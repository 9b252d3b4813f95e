//! The desktop's bus, over which `roster notify` shows alerts.

use std::path::PathBuf;
use std::time::Duration;

use roster_protocol::Finding;
use tokio::time::timeout;
use zbus::fdo::DBusProxy;

/// How long the bus may take.
const LONGEST: Duration = Duration::from_secs(3);
/// Who shows notifications.
const SERVICE: &str = "org.freedesktop.Notifications";

/// The desktop of this process.
pub async fn look() -> Vec<Finding> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let bus = variable("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("bus"));
    if variable("DBUS_SESSION_BUS_ADDRESS").is_none() && !bus.is_some_and(|bus| bus.exists()) {
        let said = "there is no session of one here: `roster notify` needs one; over SSH the terminal notifies instead";
        return vec![Finding::note("desktop", said)];
    }
    let fix = "log in again; inside su or sudo there is no bus of yours";
    vec![match timeout(LONGEST, shows()).await {
        Ok(Ok(true)) => Finding::well("desktop", "it shows notifications"),
        Ok(Ok(false)) => Finding::warning(
            "desktop",
            "its bus knows no program that shows notifications",
            "install one, such as dunst or mako; desktops such as GNOME and KDE have their own",
        ),
        Ok(Err(error)) => Finding::warning("desktop", format!("its bus refuses: {error}"), fix),
        Err(_) => Finding::warning("desktop", "its bus does not respond", fix),
    }]
}

/// Whether notifications are shown, or would be by a program that is started on demand.
async fn shows() -> zbus::Result<bool> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    if bus.name_has_owner(SERVICE.try_into()?).await? {
        return Ok(true);
    }
    Ok(bus.list_activatable_names().await?.iter().any(|name| name.as_str() == SERVICE))
}
