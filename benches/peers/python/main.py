"""One side of the race: does the job that the runner names, and says how long it took and with what."""

import json
import platform
import sqlite3
import sys
import time
from importlib.metadata import version

import frontmatter
import git
import knowledge
import markdown
from database import Cache


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def decode(job: dict) -> dict:
    """Frontmatter alone, in processor time for each text."""
    with open(job["rows"], encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]

    def fields(text: str) -> int:
        try:
            return len(frontmatter.loads(text).metadata)
        except Exception:
            return -1

    found = [fields(text) for text in texts]
    seconds = []
    for _ in range(job["count"]):
        start = time.process_time()
        for text in texts:
            fields(text)
        seconds.append((time.process_time() - start) / len(texts))
    versions = {"Python": platform.python_version(), "python-frontmatter": version("python-frontmatter"), **markdown.VERSIONS}
    return {"seconds": seconds, "fields": found, "durability": "", "versions": versions}


def main() -> None:
    job = json.loads(sys.argv[1])
    if job["job"] == "decode":
        print(json.dumps(decode(job)))
        return
    seconds = []
    if job["job"] == "initial":
        start = time.perf_counter()
        cache = Cache(job["db"])
        knowledge.sync(git.Repo(job["repo"]), cache)
        seconds.append(time.perf_counter() - start)
    else:
        cache = Cache(job["db"])
        repo = git.Repo(job["repo"])
        match job["job"]:
            case "noop":
                knowledge.sync(repo, cache)
                seconds = [timed(lambda: knowledge.sync(repo, cache)) for _ in range(job["count"])]
            case "small":
                seconds.append(timed(lambda: knowledge.sync(repo, cache)))
            case "save":
                for target in job["targets"]:
                    seconds.append(timed(lambda: knowledge.save(repo, cache, target, job["value"], job["author"])))
            case "export":
                with open(job["rows"], encoding="utf-8") as lines:
                    for line in lines:
                        cache.put(json.loads(line), None, None)
                cache.db.commit()
                seconds.append(timed(lambda: knowledge.export(repo, cache, job["each"], job["author"])))
    pragma = [str(cache.db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("journal_mode", "synchronous")]
    report = {
        "seconds": seconds,
        "durability": " ".join(pragma),
        "versions": {
            "Python": platform.python_version(),
            "GitPython": version("GitPython"),
            "python-frontmatter": version("python-frontmatter"),
            "SQLite of Python": sqlite3.sqlite_version,
            **markdown.VERSIONS,
        },
    }
    cache.db.close()
    print(json.dumps(report))


main()
