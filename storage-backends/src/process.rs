//! Who this process is, and whether another one is dead: so that a lease or a file left behind by a killed process is
//! taken over at once. It only ever saves waiting; safety never depends on it. Where a system does not tell (no
//! `/proc`), nobody is known to be dead and expiry decides.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::{Mutex, OnceLock, PoisonError};

use lorebase::store::Owner;
use lorebase::sync::Processes;
use uuid::Uuid;

/// This process, as a new engine within it.
pub fn me() -> Owner {
    static IDENTITY: OnceLock<(String, String)> = OnceLock::new();
    let pid = std::process::id();
    let (host, boot) = IDENTITY.get_or_init(|| (host(), boot()));
    let started = match stat(pid) {
        Stat::Alive { started } => started,
        Stat::Dead | Stat::Unknown => 0,
    };
    Owner { host: host.clone(), boot: boot.clone(), pid, started, instance: Uuid::new_v4() }
}

/// Whether `owner` is certainly dead: on this machine, and gone, a zombie, started at another time, or from before
/// the last boot. `false` means alive or unknown.
pub fn is_dead(owner: &Owner) -> bool {
    is_dead_beside(owner, &me())
}

/// The same of an owner who is told by [`in_a_name`]; a name that tells nobody is nobody known to be dead.
pub fn is_dead_by_name(name: &str) -> bool {
    from_name(name).is_some_and(|owner| is_dead_beside(&owner, &hashed(&me())))
}

/// An owner as a part of a file's name, so that there is never a file that is nobody's. What tells machines apart is
/// hashed, because it may be long and hold any character.
pub fn in_a_name(owner: &Owner) -> String {
    let Owner { host, boot, pid, started, instance } = hashed(owner);
    let (boot, namespace) = boot.split_once('/').unwrap_or_default();
    format!("{host}-{boot}-{namespace}-{pid}-{started}-{}", instance.simple())
}

fn from_name(name: &str) -> Option<Owner> {
    let parts: Vec<&str> = name.split('-').collect();
    let [host, boot, namespace, pid, started, instance] = parts[..] else { return None };
    let boot = if boot.is_empty() { String::new() } else { format!("{boot}/{namespace}") };
    let (pid, started, instance) = (pid.parse().ok()?, started.parse().ok()?, instance.parse().ok()?);
    Some(Owner { host: host.to_owned(), boot, pid, started, instance })
}

fn hashed(owner: &Owner) -> Owner {
    let hash = |text: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
    let namespace = |text: &str| if text.is_empty() { String::new() } else { hash(text) };
    let boot = owner.boot.split_once('/').map(|(boot, of)| format!("{}/{}", hash(boot), namespace(of)));
    Owner { host: hash(&owner.host), boot: boot.unwrap_or_default(), ..owner.clone() }
}

fn is_dead_beside(owner: &Owner, me: &Owner) -> bool {
    if owner.host != me.host {
        return false;
    }
    let (Some((boot, namespace)), Some((my_boot, my_namespace))) = (owner.boot.split_once('/'), me.boot.split_once('/')) else {
        return false;
    };
    if boot != my_boot {
        return true;
    }
    if namespace != my_namespace || namespace.is_empty() {
        return false;
    }
    match stat(owner.pid) {
        Stat::Dead => true,
        Stat::Alive { started } => started != owner.started,
        Stat::Unknown => false,
    }
}

/// The machine's processes, and the engines that live in this one.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemProcesses;

/// Engines of this process that are not gone yet.
static ENGINES: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

impl Processes for SystemProcesses {
    fn owner(&self, instance: Uuid) -> Owner {
        ENGINES.lock().unwrap_or_else(PoisonError::into_inner).insert(instance);
        Owner { instance, ..me() }
    }

    fn is_dead(&self, owner: &Owner) -> bool {
        let me = me();
        let here = (&owner.host, &owner.boot, owner.pid, owner.started) == (&me.host, &me.boot, me.pid, me.started);
        if here { !ENGINES.lock().unwrap_or_else(PoisonError::into_inner).contains(&owner.instance) } else { is_dead(owner) }
    }

    fn retire(&self, owner: &Owner) {
        ENGINES.lock().unwrap_or_else(PoisonError::into_inner).remove(&owner.instance);
    }
}

enum Stat {
    Alive { started: u64 },
    Dead,
    Unknown,
}

/// What the system says about a process number.
fn stat(pid: u32) -> Stat {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => parse(&text).unwrap_or(Stat::Unknown),
        // With processes of other users hidden, number 1 is hidden too.
        Err(error) if error.kind() == ErrorKind::NotFound && std::path::Path::new("/proc/1/stat").exists() => Stat::Dead,
        Err(error) if error.raw_os_error() == Some(3) => Stat::Dead,
        Err(_) => Stat::Unknown,
    }
}

/// Fields after the parenthesised name, which may itself hold spaces and parentheses: the state first, the start
/// in clock ticks since boot as the twentieth (see `proc_pid_stat(5)`).
fn parse(text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return Some(Stat::Dead);
    }
    Some(Stat::Alive { started: fields.nth(18)?.parse().ok()? })
}

fn host() -> String {
    let named = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = named.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    named.map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// The boot's id and, after a slash, the process namespace: two containers of one machine count processes apart.
/// Without a slash where the system does not tell.
fn boot() -> String {
    let Ok(boot) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") else { return String::new() };
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{}/{namespace}", boot.trim())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn owner_of(pid: u32) -> Owner {
        let Stat::Alive { started } = stat(pid) else { panic!("process {pid} is not alive") };
        Owner { pid, started, ..me() }
    }

    #[test]
    fn this_process_is_alive_and_every_engine_in_it_is_another_instance() {
        assert!(!is_dead(&me()));
        assert_ne!(me().instance, me().instance);
        assert_eq!(Owner { instance: Uuid::nil(), ..me() }, Owner { instance: Uuid::nil(), ..me() });
        assert_ne!(me().started, 0);
    }

    #[test]
    fn a_killed_process_is_dead_as_a_zombie_and_when_it_is_gone() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let owner = owner_of(child.id());
        assert!(!is_dead(&owner));
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !is_dead(&owner) {
            assert!(std::time::Instant::now() < deadline, "a killed process never became a zombie");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_dead(&owner));
    }

    #[test]
    fn a_process_number_given_again_is_another_process() {
        assert!(is_dead(&Owner { started: me().started + 1, ..me() }));
    }

    #[test]
    fn everybody_from_before_the_last_boot_is_dead() {
        let (_, namespace) = me().boot.split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert!(is_dead(&Owner { boot: format!("0b5c/{namespace}"), ..me() }));
    }

    #[test]
    fn nothing_is_known_about_other_machines_and_other_containers() {
        let gone = Owner { started: 1, ..me() };
        assert!(!is_dead(&Owner { host: "elsewhere".to_owned(), ..gone.clone() }));
        let (boot, _) = me().boot.split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert!(!is_dead(&Owner { boot: format!("{boot}/pid:[1]"), ..gone.clone() }));
        assert!(!is_dead(&Owner { boot: String::new(), ..gone }));
    }

    #[test]
    fn a_name_tells_of_its_owner_what_the_owner_itself_tells() {
        let (boot, namespace) = me().boot.split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let gone = Owner { started: 1, ..me() };
        let owners = [
            (me(), false),
            (gone.clone(), true),
            (Owner { boot: format!("0b5c/{namespace}"), ..me() }, true),
            (Owner { boot: format!("{boot}/pid:[1]"), ..gone.clone() }, false),
            (Owner { boot: format!("{boot}/"), ..gone.clone() }, false),
            (Owner { boot: String::new(), ..gone.clone() }, false),
            (Owner { host: "a-b/c d".repeat(30), ..gone }, false),
        ];
        for (owner, dead) in owners {
            let name = in_a_name(&owner);
            assert_eq!((is_dead(&owner), is_dead_by_name(&name)), (dead, dead), "{owner:?} in {name}");
            assert!(name.len() < 200 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        }
        assert!(!is_dead_by_name("x") && !is_dead_by_name("a-b-c-d-e-f"));
    }

    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_reader() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1";
        assert!(matches!(parse(text), Some(Stat::Alive { started: 4242 })));
        assert!(matches!(parse("7 (a) Z 1"), Some(Stat::Dead)));
        assert!(parse("nonsense").is_none());
    }
}
