"""A team's own models, one recipe per file, named in `toban.toml`; an upgrade never touches this folder."""
