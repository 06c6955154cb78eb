//! A repository of a stranger's making: every built-in kind, a kind of its own, and files that are nobody's entity.

/// The custom kind and a rule for a list.
pub(crate) const SETTINGS: &str = "# our own kind\nkinds:\n  playbook:\n    folder: playbooks\n    lists:\n      steps: sequence\n";
pub(crate) const SKILL: &str = "---\nid: skill-1\ntitle: Reading PDFs   # shown in the menu\ncategories: [documents, pdf]\nowners:\n  - name: Ada\n    email: ada@example.com\nactive: true\nx-unknown: 'kept as it is'\n---\n\n# Reading PDFs\n\nText with trailing spaces  \nand  two  blanks.\n";
pub(crate) const NESTED_SKILL: &str = "---\r\nname: pdf\r\ndescription: |\r\n  Two\r\n  lines\r\n---\r\nWindows lines.\r\n";
pub(crate) const CUSTOMER: &str = "---\nid: c-17\nname: \"Acme, Inc.\"\ntier: gold\nregion: north\nemployeeCount: 1200\nowners:\n- {name: Ada, email: ada@example.com}\nhistory:\n- date: 2024-02-01\n  action: created\nupdated: 2024-02-01\n---\n# Acme\n\nBuys anvils.\n";
pub(crate) const SYSTEM_PROMPT: &str = "---\nname: Greeter\ncategory: general\nvariants: [concise]\nisDefault: true\n---\nYou greet.\n\n## Variants\n\n### Concise (fast variant)\n\nGreet.\n";
pub(crate) const PROMPT_BLOCK: &str = "---\nid: tone\nname: Tone\nsortOrder: 10\nactive: true\n---\nBe kind.\n";
pub(crate) const TEMPLATE: &str = "---\nname: Pitch\ntype: slide_deck\nformat: google_slides\nvariables:\n  company: The company\n---\n## Variables\n\n- company (required)\n";
pub(crate) const DOCUMENT: &str = "# The handbook\n\nNo frontmatter and no final newline";
pub(crate) const CATEGORIES: &str = "{\n  \"documents\": {\"name\": \"Documents\", \"sortOrder\": 1},\n  \"sales\":   {\"name\": \"Sales\",   \"color\": \"#ff0000\",\n             \"sortOrder\": 2}\n}\n";
pub(crate) const PLAYBOOK: &str = "---\nid: incident\ntitle: Incident\nsteps:\n- look\n- mend\n---\nDo not panic.\n";

pub(crate) const BINARY: &[u8] = &[0, 159, 146, 150, 255, 10, 13, 10];

/// Every file of the repository.
pub(crate) const FILES: [(&str, &[u8]); 13] = [
    ("lorebase.yaml", SETTINGS.as_bytes()),
    ("README.md", b"# No entity\n"),
    ("skills/README.md", b"# No entity either\n"),
    ("skills/reading-pdfs.md", SKILL.as_bytes()),
    ("skills/pdf/SKILL.md", NESTED_SKILL.as_bytes()),
    ("customers/acme-inc-.md", CUSTOMER.as_bytes()),
    ("prompts/system/greeter.md", SYSTEM_PROMPT.as_bytes()),
    ("prompts/blocks/tone.md", PROMPT_BLOCK.as_bytes()),
    ("templates/slides/pitch.md", TEMPLATE.as_bytes()),
    ("documents/handbook.md", DOCUMENT.as_bytes()),
    ("categories/metadata.json", CATEGORIES.as_bytes()),
    ("playbooks/incident.md", PLAYBOOK.as_bytes()),
    ("assets/logo.bin", BINARY),
];

/// How many entities these files hold.
pub(crate) const ENTITIES: u64 = 10;
