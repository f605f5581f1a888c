#!/bin/sh
# Runs once, when the database of docker-compose.yml is made: the role that Wheelhouse signs in with, and its database.
# The role may create the roles that requests run under; it is no superuser and cannot bypass row-level security.
# In a subshell: where files cannot be marked executable, the image's entry point reads this into its own shell.
(
set -eu
PGPASSWORD="$(cat /run/secrets/postgres_password)"
export PGPASSWORD
# psql reads the password from its file itself: it appears in no argument.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/database_password`
create role wheelhouse login createrole nosuperuser nocreatedb noreplication nobypassrls password :'password';
create database wheelhouse owner wheelhouse;
SQL
)
