/*
 * unix_socket.c - a Unix socket: who asks is known, and gets an open file, not its bytes.
 *
 *	unix_socket FILE PATH     serve FILE at the socket PATH
 *	unix_socket PATH          ask, and print what is read from the descriptor that comes
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <weft/serve.h>
#include <weft/unix.h>

static int hand_over(struct weft_stream *peer, void *path)
{
	struct weft_unix_credentials who;
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;

	if (fd >= 0 && weft_unix_peer(weft_stream_fd(peer), &who) == 0) {
		printf("user %u, process %d\n", (unsigned)who.uid, (int)who.pid);
		fflush(stdout);
		result = weft_unix_send_fd(weft_stream_fd(peer), fd);
	}
	if (fd >= 0)
		close(fd);
	return result;
}

static int ask(const char *address)
{
	struct weft_stream *stream = weft_stream_connect(address);
	int fd = stream ? weft_unix_recv_fd(weft_stream_fd(stream)) : -1;
	char data[4096];
	ssize_t len;

	if (fd < 0)
		return perror(address), 1;
	while ((len = read(fd, data, sizeof(data))) > 0)
		fwrite(data, 1, (size_t)len, stdout);
	close(fd);
	weft_stream_free(stream);
	return 0;
}

int main(int argc, char **argv)
{
	char address[WEFT_ADDRESS_TEXT_MAX];

	if (argc < 2)
		return fprintf(stderr, "usage: unix_socket [FILE] PATH\n"), 2;
	snprintf(address, sizeof(address), "unix:%s", argv[argc - 1]);
	if (argc == 2)
		return ask(address);
	if (weft_serve(weft_listener_new(address, NULL), hand_over, argv[1], NULL) < 0)
		perror(address);
	return 1;
}
