"""The only package that knows SQL: units of work, migrations, one file for each subject."""
