/* rtnetlink: one request, its answers. */
#ifndef PCLOUD_NETLINK_H
#define PCLOUD_NETLINK_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

enum { NETLINK_REQUEST_BYTES = 512, NETLINK_ANSWER_BYTES = 65536 };

struct netlink_request {
  _Alignas(struct nlmsghdr) uint8_t bytes[NETLINK_REQUEST_BYTES];
};

/* Starts a request with a body of `body_bytes`, all zero, and returns the body. */
void *netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, size_t body_bytes);

/* Adds an attribute. */
void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t bytes);

/* Called for each message of an answer. */
typedef void (*netlink_each)(const struct nlmsghdr *message, void *data);

/* Sends a request and reads until its end. 0 or errno. `each` may be NULL. */
int netlink_run(struct netlink_request *request, netlink_each each, void *data);

/* A socket that hears of changes, not blocking; -1 and errno on failure. */
int netlink_listen(uint32_t groups);

/* The attributes of a message by type, up to `max`; those that are not there are NULL. */
void netlink_attributes(const struct nlmsghdr *message, size_t body_bytes, const struct rtattr **out, size_t max);

static inline size_t netlink_attribute_bytes(const struct rtattr *attribute) { return RTA_PAYLOAD(attribute); }
uint32_t netlink_u32(const struct rtattr *attribute);

#endif
