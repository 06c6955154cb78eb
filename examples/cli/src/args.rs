//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use lorebase::store::LogStatus;

use crate::entity::EntityName;

const ENVIRONMENT: &str = "\
Environment:
  LOREBASE_CACHE    the database, where --cache is not given
  LOREBASE_PUBLISH  when a save is committed: inline (the default), background
                    (after the answer is printed) or off (by another process)
  NO_COLOR          no colours

Exit status:
  0    done; a save that waits to be committed is done
  1    done, and there is something to look at: broken files, drift,
       conflicts, bad health
  2    the call is wrong: change it
  3    it could not be done
  130  stopped by Ctrl-C";

/// Knowledge as Markdown in git and as rows in SQL, kept equal.
#[derive(Debug, Parser)]
#[command(name = "lorebase", version, after_help = ENVIRONMENT, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command knows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Common {
    /// The repository's folder
    #[arg(long, global = true, value_name = "PATH", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) repo: PathBuf,
    /// Not in this version: fetch from and push to a remote
    #[arg(long, global = true, value_name = "NAME|URL", hide = true)]
    pub(crate) remote: Option<String>,
    /// The branch [default: the one that is checked out]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// The folder that holds the kinds' folders [default: what lorebase.yaml says, else the top]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<String>,
    /// The database, `sqlite:PATH`, `postgres://…` or `memory:` [default: in the repository's git directory]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) cache: Option<String>,
    /// What the database calls this repository, where it holds several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a knowledge repository, or give settings to one that has none
    Init {
        /// The folder [default: the one of --repo]
        #[arg(value_hint = ValueHint::DirPath)]
        path: Option<PathBuf>,
    },
    /// Take in new commits and commit what waits, once
    Sync {
        /// Say what would be done
        #[arg(long)]
        dry_run: bool,
        /// Carry out deletions that were held back because so much vanished at once
        #[arg(long)]
        allow_deletions: bool,
    },
    /// Say how the repository stands
    Status,
    /// List entities from the cache
    List(List),
    /// Show one entity
    Get {
        /// The entity
        #[arg(value_name = "KIND/SLUG")]
        entity: EntityName,
        /// With drafts, and our side of a conflict
        #[arg(long)]
        working: bool,
    },
    /// Create an entity or change it, and commit that
    Save(Save),
    /// Delete an entity from both sides
    Delete {
        /// The entity
        #[arg(value_name = "KIND/SLUG")]
        entity: EntityName,
        /// Who deletes [default: who git says you are]
        #[arg(long, value_name = "NAME <MAIL>")]
        author: Option<String>,
        /// The commit's subject
        #[arg(long)]
        message: Option<String>,
        /// Refuse when there is a newer revision than this
        #[arg(long, value_name = "N")]
        expect_revision: Option<u64>,
    },
    /// Show what was saved and synced, newest first
    Log {
        /// Only this entity
        #[arg(value_name = "KIND/SLUG")]
        entity: Option<EntityName>,
        /// Only what ended so
        #[arg(long)]
        status: Option<LogFilter>,
        /// Only what began since: a date, a moment, or an age like 12h or 7d
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// At most so many [default: 100]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Try again what could not be committed as it was
    Retry {
        /// Only this entity
        #[arg(value_name = "KIND/SLUG")]
        entity: Option<EntityName>,
    },
    /// Compare the cache with git, entity by entity
    Drift {
        /// Read all files again and mend the cache
        #[arg(long)]
        repair: bool,
    },
    /// Show what both sides changed and a person must decide
    Conflicts,
    /// Decide a conflict
    Resolve {
        /// The entity
        #[arg(value_name = "KIND/SLUG")]
        entity: EntityName,
        #[command(flatten)]
        decision: Decision,
        /// Who decides [default: who git says you are]
        #[arg(long, value_name = "NAME <MAIL>")]
        author: Option<String>,
    },
    /// Show where people have decided otherwise than an external source says, or settle that
    Overrides {
        /// The source, as `save --source` names it
        source: String,
        /// Settle this entity
        #[arg(value_name = "KIND/SLUG", requires = "settle")]
        entity: Option<EntityName>,
        /// Keep the entity's own values, or take the source's
        #[arg(long, value_name = "keep|take", requires = "entity")]
        settle: Option<SettleAs>,
        /// Only this field
        #[arg(long = "field", value_name = "FIELD", requires = "settle")]
        fields: Vec<String>,
        /// Who decides [default: who git says you are]
        #[arg(long, value_name = "NAME <MAIL>")]
        author: Option<String>,
    },
    /// Commit everything that waits
    Export {
        /// All of it in one commit
        #[arg(long)]
        one_commit: bool,
    },
    /// Take rows of an existing table into the cache; export or sync commits them
    Import {
        /// One JSON object a line: slug, id, fields, body (`-`: standard input)
        #[arg(value_name = "ROWS.jsonl", value_hint = ValueHint::FilePath)]
        rows: PathBuf,
        /// What they are
        #[arg(long)]
        kind: String,
        /// Who saves them [default: who git says you are]
        #[arg(long, value_name = "NAME <MAIL>")]
        author: Option<String>,
    },
    /// Check files as they are on the disk, without a cache; for CI
    Validate {
        /// A folder or a file [default: the folder of --repo]
        #[arg(value_hint = ValueHint::AnyPath)]
        path: Option<PathBuf>,
        /// How findings are printed
        #[arg(long, default_value = "text")]
        format: Findings,
    },
    /// Print the JSON Schema of a kind, as the last synchronisation found it
    Schema {
        /// The kind, for example `skill`
        kind: String,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, of the whole or of one command
    Man {
        /// The command
        command: Option<String>,
    },
}

/// Which entities, in which order.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only this status
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only where this holds; OP is one of = != < <= > >= contains in, VALUE is YAML, dots go into mappings
    #[arg(long = "where", value_name = "FIELD OP VALUE")]
    pub(crate) conditions: Vec<String>,
    /// Only what holds all these words, best first
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["sort", "cursor"])]
    pub(crate) search: Option<String>,
    /// By this field, or by `slug`, `title` or `updated`; `-FIELD` turns it round [default: kind and slug]
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
    /// At most so many [default: 50]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Where the last page ended
    #[arg(long, value_name = "C")]
    pub(crate) cursor: Option<String>,
    /// With drafts, and our side of conflicts
    #[arg(long)]
    pub(crate) working: bool,
}

/// How a conflict is decided.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Decision {
    /// Whose version counts where they differ: `git`, `cache`, or a FILE with the whole document (`-`: standard input)
    #[arg(long, value_name = "git|cache|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) accept: Option<PathBuf>,
    /// Whose value of a field counts, as `conflicts` names it; --accept decides the rest
    #[arg(long = "field", value_name = "FIELD=git|cache")]
    pub(crate) fields: Vec<String>,
    /// Whose lines count in a hunk of the text, from 1
    #[arg(long = "hunk", value_name = "N=git|cache")]
    pub(crate) hunks: Vec<String>,
    /// Refuse when our side was saved again since this revision of it
    #[arg(long, value_name = "N", group = "guard")]
    pub(crate) expect_revision: Option<u64>,
}

/// What becomes of a difference from an external source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SettleAs {
    /// The entity keeps its own.
    Keep,
    /// The source's value is saved.
    Take,
}

/// What changes.
#[derive(Debug, Args)]
pub(crate) struct Save {
    /// The entity; made if it is not there
    #[arg(value_name = "KIND/SLUG")]
    pub(crate) entity: EntityName,
    /// Set a field; the value is YAML
    #[arg(long, value_name = "FIELD=YAML")]
    pub(crate) set: Vec<String>,
    /// Take a field away
    #[arg(long, value_name = "FIELD")]
    pub(crate) unset: Vec<String>,
    /// Set the title
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// The whole new text (`-`: standard input)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) body_file: Option<PathBuf>,
    /// Set the status
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Who saves [default: who git says you are]
    #[arg(long, value_name = "NAME <MAIL>")]
    pub(crate) author: Option<String>,
    /// The commit's subject
    #[arg(long)]
    pub(crate) message: Option<String>,
    /// The revision that the change was made from; what changed since is merged, or nothing is saved
    #[arg(long, value_name = "N", conflicts_with = "source")]
    pub(crate) expect_revision: Option<u64>,
    /// A refresh from this external source: changes only what the source changed, and never what a person edited
    #[arg(long, value_name = "NAME", conflicts_with = "body_file")]
    pub(crate) source: Option<String>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Findings {
    /// Place, cause and source line.
    Text,
    /// Annotations of GitHub Actions.
    Github,
    /// One JSON document.
    Json,
}

/// How a log row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFilter {
    Pending,
    Success,
    Failed,
}

impl From<LogFilter> for LogStatus {
    fn from(filter: LogFilter) -> Self {
        match filter {
            LogFilter::Pending => Self::Pending,
            LogFilter::Success => Self::Success,
            LogFilter::Failed => Self::Failed,
        }
    }
}
