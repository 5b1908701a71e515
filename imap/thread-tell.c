#include "imap/thread.h"

static int
at_top(struct thread const *x, uint32_t v)
{
	return thread_dummy(x, v) || x->parent[v] == THREAD_NONE;
}

/* Has it parentheses of its own? Not who is the only child. */
static int
opens(struct thread const *x, uint32_t v)
{
	return at_top(x, v) || x->head[x->parent[v]] != v || x->next[v] != THREAD_NONE;
}

static void
tell_node(struct thread const *x, uint32_t v)
{
	struct net *n = &x->s->net;
	int const behind =
	    !at_top(x, v) && !thread_dummy(x, x->parent[v]) && x->head[x->parent[v]] == v;
	if (behind)
		net_put(n, " ", 1);
	if (opens(x, v))
		net_put(n, "(", 1);
	if (thread_dummy(x, v))
		return;
	uint32_t const i = thread_index(x, v);
	net_putnum(n, x->s->uid ? folder_uid(x->f, i) : i + 1);
}

/* Without recursion: trees may be as deep as there are messages. */
void
thread_tell(struct thread const *x)
{
	struct net *n = &x->s->net;
	net_puts(n, x->first == THREAD_NONE ? "* THREAD" : "* THREAD ");
	for (uint32_t v = x->first; v != THREAD_NONE;) {
		tell_node(x, v);
		if (x->head[v] != THREAD_NONE) {
			v = x->head[v];
			continue;
		}
		while (v != THREAD_NONE) {
			if (opens(x, v))
				net_put(n, ")", 1);
			if (x->next[v] != THREAD_NONE) {
				v = x->next[v];
				break;
			}
			v = at_top(x, v) ? THREAD_NONE : x->parent[v];
		}
	}
	net_puts(n, "\r\n");
}
