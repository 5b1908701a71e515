# Every program: OBJ_name its objects, USE_name how it is linked ("dynamic" and/or "store" for
# maildir/; static without), LIBS_name libraries beyond skalibs. Sorted by folder.

PROGRAMS += postern-tables
OBJ_postern-tables := bin/postern-tables.o

PROGRAMS += tcpserver tlsd ucspitlsd
OBJ_tcpserver := bin/tcpserver.o bin/tcpserver-conns.o bin/tcpserver-spawn.o
OBJ_tlsd := bin/tlsd.o bin/ucspitls-launch.o bin/tls-request.o
OBJ_ucspitlsd := bin/ucspitlsd.o bin/ucspitls-launch.o bin/tls-request.o

PROGRAMS += spool-recv
OBJ_spool-recv := $(addprefix mda-remote/,spool-recv.o recv-commands.o recv-data.o settings.o spool.o envelope.o)
