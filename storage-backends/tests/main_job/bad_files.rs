//! Files in a kind's folder that cannot be understood: each a diagnostic with its place and the way out, and the rest
//! goes on.

use lorebase::knowledge::SyncStatus;
use lorebase::sync::Save;

use crate::git::git;
use crate::on_every_layout;
use crate::seed::{CUSTOMER, ENTITIES, SETTINGS, SKILL};
use crate::world::{World, run};

on_every_layout!(
    a_file_that_is_not_utf8,
    a_file_of_fifty_megabytes,
    a_symbolic_link_in_a_kinds_folder,
    a_submodule_in_a_kinds_folder,
    two_files_with_one_id,
    two_paths_equal_up_to_case,
    a_path_that_not_every_system_takes,
    invalid_settings_leave_the_last_good_ones,
    a_broken_entry_of_a_json_file_stops_none_of_the_others,
    a_json_file_that_is_none,
);

fn findings(world: &World) -> Vec<String> {
    run(world.kb().diagnostics()).unwrap().iter().map(ToString::to_string).collect()
}

/// Takes in what was committed beside one good file, and mends it afterwards.
fn told(world: &World, paths: &[&str], expected: &[&str], mend: impl FnOnce(&World)) {
    let mut touched = vec!["documents/good.md"];
    touched.extend(paths);
    world.step(&touched, |world| {
        world.write("documents/good.md", "# Good\n");
        world.commit("Something bad beside something good");
        world.sync();
    });
    assert_eq!(findings(world), expected);
    assert_eq!(world.get("document", "good").unwrap().title, "Good");
    world.step(&["documents/good.md"], |world| world.save(Save::update("document", "good").set("filename", "g.pdf")));
    world.step(paths, |world| {
        world.pull();
        mend(world);
        world.commit("Mended");
        world.sync();
    });
    assert_eq!(findings(world), Vec::<String>::new());
    assert_eq!(run(world.kb().validate()).unwrap(), []);
}

fn a_file_that_is_not_utf8(world: &World) {
    world.write("customers/acme-inc-.md", b"---\nname: Caf\xe9\n---\n");
    told(
        world,
        &["customers/acme-inc-.md"],
        &["customers/acme-inc-.md:2:10 [utf8] byte 13 is not UTF-8; save the file as UTF-8"],
        |world| {
            let last_good = world.get("customer", "acme-inc-").unwrap();
            assert_eq!((last_good.title.as_str(), last_good.sync_status), ("Acme, Inc.", SyncStatus::Invalid));
            world.write("customers/acme-inc-.md", CUSTOMER);
        },
    );
}

fn a_file_of_fifty_megabytes(world: &World) {
    world.write("documents/large.md", vec![b'x'; 50_000_000]);
    told(
        world,
        &["documents/large.md"],
        &[
            "documents/large.md [file.too_large] the file has 50000000 bytes, more than 10485760; split it or keep it outside the kinds' folders",
        ],
        |world| std::fs::remove_file(world.work().join("documents/large.md")).unwrap(),
    );
}

fn a_symbolic_link_in_a_kinds_folder(world: &World) {
    std::os::unix::fs::symlink("/etc/passwd", world.work().join("skills/link.md")).unwrap();
    told(
        world,
        &["skills/link.md"],
        &["skills/link.md [file.symlink] a symbolic link is never followed; replace it by the file itself"],
        |world| {
            assert!(world.get("skill", "link").is_none());
            std::fs::remove_file(world.work().join("skills/link.md")).unwrap();
        },
    );
}

fn a_submodule_in_a_kinds_folder(world: &World) {
    let commit = git(&world.work(), &["rev-parse", "HEAD"]);
    git(&world.work(), &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},skills/vendored")]);
    std::fs::create_dir_all(world.work().join("skills/vendored")).unwrap();
    world.step(&["skills/vendored", "documents/good.md"], |world| {
        world.write("documents/good.md", "# Good\n");
        git(&world.work(), &["add", "documents/good.md"]);
        git(&world.work(), &["commit", "-q", "-m", "A submodule"]);
        world.push();
        world.sync();
    });
    let expected =
        "skills/vendored [file.submodule] a submodule is never entered; keep its files in this repository or outside the kinds' folders";
    assert_eq!(findings(world), [expected]);
    assert_eq!(world.get("document", "good").unwrap().title, "Good");
    world.step(&["documents/good.md"], |world| world.save(Save::update("document", "good").set("filename", "g.pdf")));
}

fn two_files_with_one_id(world: &World) {
    world.write("skills/copy.md", SKILL.replace("Reading PDFs", "A copy"));
    told(
        world,
        &["skills/copy.md"],
        &[
            "skills/copy.md [identity.duplicate] the skill id `skill-1` already belongs to `skills/reading-pdfs.md`; give this file another id, or none",
        ],
        |world| {
            assert_eq!(world.get("skill", "reading-pdfs").unwrap().title, "Reading PDFs");
            world.write("skills/copy.md", SKILL.replace("Reading PDFs", "A copy").replace("skill-1", "skill-2"));
        },
    );
    assert_eq!(world.get("skill", "copy").unwrap().id.as_str(), "skill-2");
}

fn two_paths_equal_up_to_case(world: &World) {
    world.write("skills/Reading-PDFs.md", "# The other\n");
    told(
        world,
        &["skills/Reading-PDFs.md"],
        &[
            "skills/Reading-PDFs.md [path.clash] `skills/Reading-PDFs.md` and `skills/reading-pdfs.md` differ only in case or Unicode form and cannot both exist on every system; rename one of them",
        ],
        |world| std::fs::remove_file(world.work().join("skills/Reading-PDFs.md")).unwrap(),
    );
    let refused = world.step(&[], |world| world.try_save(Save::create("skill").slug("READING-pdfs").title("x")).unwrap_err());
    assert_eq!(refused.kind(), lorebase::ErrorKind::Conflict);
}

fn a_path_that_not_every_system_takes(world: &World) {
    world.write("skills/aux.md", "# Aux\n");
    told(
        world,
        &["skills/aux.md"],
        &["skills/aux.md [path.unsafe] unsafe path `skills/aux.md`: the part `aux.md` is the device AUX on Windows; rename it"],
        |world| std::fs::remove_file(world.work().join("skills/aux.md")).unwrap(),
    );
}

fn invalid_settings_leave_the_last_good_ones(world: &World) {
    world.write("lorebase.yaml", SETTINGS.replace("lists", "listen"));
    told(
        world,
        &["lorebase.yaml"],
        &[
            "lorebase.yaml:5:5 [settings.key] unknown key `listen`; a kind has folder, glob, format, naming, title, workflow, review, readme, schema, strict, lists, unique, private, derived, conflict\n      listen:\n      ^",
        ],
        |world| {
            assert_eq!(world.get("playbook", "incident").unwrap().title, "Incident");
            world.write("lorebase.yaml", SETTINGS);
        },
    );
    assert_eq!(run(world.kb().status()).unwrap().total, ENTITIES + 1);
}

fn a_broken_entry_of_a_json_file_stops_none_of_the_others(world: &World) {
    let path = "categories/metadata.json";
    let broken = "{\n  \"documents\": {\"name\": \"Papers\", \"sortOrder\": 1},\n  \"sales\": 17\n}\n";
    world.write(path, broken);
    told(
        world,
        &[path],
        &[
            "categories/metadata.json:3:12 [json.entry] an entry must be an object of fields; write `{ … }`\n    \"sales\": 17\n             ^",
        ],
        |world| {
            assert_eq!(world.get("category", "documents").unwrap().title, "Papers");
            assert_eq!(world.get("category", "sales").unwrap().title, "Sales", "the last good one stays");
            world.write(path, broken.replace("17", "{\"name\": \"Deals\"}"));
        },
    );
    assert_eq!(world.get("category", "sales").unwrap().title, "Deals");
}

fn a_json_file_that_is_none(world: &World) {
    let path = "categories/metadata.json";
    world.write(path, "{\n  \"documents\": {\n");
    told(
        world,
        &[path],
        &[
            "categories/metadata.json:3:1 [json.syntax] a key in double quotes must stand here (no comma may follow the last member)\n  \n  ^",
        ],
        |world| {
            let waits = world.save(Save::update("category", "sales").set("color", "red"));
            assert_eq!(waits.sync_status, SyncStatus::Pending);
            world.write(path, crate::seed::CATEGORIES);
        },
    );
    assert_eq!(world.file(path).unwrap(), crate::seed::CATEGORIES.replace("#ff0000", "red"));
}
