//! `sealpost rollover copy` and `backup`

use std::{fs, path::Path, sync::Arc};

use sealpost::store::{AnyStore, seal::Keyring};
use serde_json::{Map, Value, json};

use super::{
    args,
    site::{Name, Site},
};
use crate::{
    failure::{At, Failure, Result},
    output::Output,
    table::{Table, grouped},
};

pub(super) async fn copy(args: &args::Copy, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let name = Name::new(&args.to);
    let keyring = Keyring::open(&site.source).at("--key-source")?;
    let target = sealpost::store::open(&args.to, Arc::new(keyring)).await.at(name.text())?;
    let copied = site.store.copy_to(&target).await.at(name.text())?;
    let mut table = Table::new(&["copied", "rows"]);
    let mut rows = Map::new();
    for (what, count) in copied.rows {
        table.row([what.to_owned(), grouped(count)]);
        rows.insert(what.to_owned(), Value::from(count));
    }
    let source = &site.source;
    let json = json!({ "to": name.text(), "key_source": source, "rows": rows, "audit_records": copied.head.sequence });
    let text =
        format!("{}Use it from now on, and not {}: --store {name} --key-source {source}", table.text(), site.name);
    output.result(&json, &text);
    Ok(())
}

pub(super) async fn backup(args: &args::Backup, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let AnyStore::Sqlite(store) = &*site.store else {
        let what = format!("{}: only a store in a file is backed up so: use copy, or pg_dump", site.name);
        return Err(Failure::new(what));
    };
    let real = |path: &Path| fs::canonicalize(path).ok();
    if let (Some(to), Some(from)) = (real(&args.file), site.name.file().and_then(real))
        && to == from
    {
        return Err(Failure::new(format!("{}: is the store itself", args.file.display())));
    }
    store.database().backup_to(&args.file).await.at(&args.file)?;
    let json = json!({ "backup": args.file.display().to_string() });
    output.result(&json, &format!("{}: as {} was when this began.", args.file.display(), site.name));
    Ok(())
}
