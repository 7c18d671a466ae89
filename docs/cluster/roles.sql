-- Once, on the leader, as its superuser: the registry's own database.  What it holds is sealed; it gets no other right.
create role menedek login;
create database menedek owner menedek encoding 'UTF8' locale 'C' template template0;
