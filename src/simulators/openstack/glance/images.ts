import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { created, isoSeconds, noContent, ok, queryText, type Call, type Reply } from '../call.js';
import { badRequest, forbidden, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { Image } from '../state/storage-model.js';

/** A list without `limit` ends here; a limit is cut at `maxPage`. */
const defaultPage = 25;
const maxPage = 1000;

export const imageRoutes = routesOf('glance', [
  ['GET', '/images', 'images.list', list],
  ['POST', '/images', 'images.create', create],
  ['GET', '/images/{id}', 'images.show', (call) => ok(view(find(call)))],
  ['DELETE', '/images/{id}', 'images.delete', remove],
  ['PUT', '/images/{id}/tags/{tag}', 'images.tags.add', addTag],
]);

export function isVisible(call: Call, image: Image): boolean {
  const isOpen = image.visibility === 'public' || image.visibility === 'community';
  return isOpen || call.isAdmin || image.owner === call.caller.project?.id;
}

function find(call: Call): Image {
  const id = call.param('id');
  const image = call.cloud.images.get(id);
  if (image === undefined || !isVisible(call, image)) throw notFound(`No image found with ID ${id}`);
  return image;
}

function list(call: Call): Reply {
  const { query } = call;
  const limit = readLimit(query.get('limit'));
  const images = [...call.cloud.images.values()].filter(
    (image) => isVisible(call, image) && !call.cloud.hidden.has(image.id) && fits(call, image),
  );
  sort(images, query);
  const marker = query.get('marker');
  const at = marker === null ? -1 : images.findIndex((image) => image.id === marker);
  if (marker !== null && at < 0) throw badRequest(`Image with identifier ${marker} not found.`);
  const page = images.slice(at + 1, at + 1 + limit);
  const link = (from: string | null) => {
    const params = new URLSearchParams(query);
    if (from === null) params.delete('marker');
    else params.set('marker', from);
    const text = params.toString();
    return `/v2/images${text === '' ? '' : `?${text}`}`;
  };
  const isMore = at + 1 + limit < images.length;
  return ok({
    images: page.map(view),
    first: link(null),
    schema: '/v2/schemas/images',
    ...(isMore && { next: link(page.at(-1)?.id ?? null) }),
  });
}

function readLimit(text: string | null): number {
  if (text === null) return defaultPage;
  if (!/^\d+$/.test(text)) throw badRequest('limit param must be an integer');
  return Math.min(Number(text), maxPage);
}

const controls = new Set(['limit', 'marker', 'sort', 'sort_key', 'sort_dir']);

/** Any property can be asked for; one that an image does not have does not fit. */
function fits(call: Call, image: Image): boolean {
  const shown = view(image);
  for (const [name, value] of call.query) {
    if (controls.has(name)) continue;
    const asked = value.startsWith('in:') ? value.slice(3).split(',') : [value];
    if (name === 'tag') {
      if (!image.tags.includes(value)) return false;
    } else if (name === 'size_min' || name === 'size_max') {
      const isTooSmall = name === 'size_min' && image.sizeBytes < Number(value);
      if (isTooSmall || (name === 'size_max' && image.sizeBytes > Number(value))) return false;
    } else if (name === 'visibility' && value === 'all') {
      continue;
    } else if (!asked.includes(queryText(shown[name]) ?? '')) {
      return false;
    }
  }
  // Hidden images show only when asked for; none of ours is.
  return call.query.get('os_hidden') !== 'true';
}

/** `sort=name:asc`, or sort_key and sort_dir; the newest first by default. */
function sort(images: Image[], query: URLSearchParams): void {
  const [key = 'created_at', dir = 'desc'] = (query.get('sort') ?? '').split(',')[0]?.split(':') ?? [];
  const name = key === '' ? (query.get('sort_key') ?? 'created_at') : key;
  const sign = (query.get('sort_dir') ?? dir) === 'asc' ? 1 : -1;
  const value = (image: Image) => (name === 'created_at' ? image.createdMs : (queryText(view(image)[name]) ?? ''));
  images.sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    return sign * (left < right ? -1 : left > right ? 1 : a.id < b.id ? -1 : 1);
  });
}

const Request = z.looseObject({
  id: z.string().optional(),
  name: z.string().max(255).optional(),
  visibility: z.enum(['public', 'private', 'shared', 'community']).optional(),
  min_disk: z.number().int().min(0).optional(),
  min_ram: z.number().int().min(0).optional(),
  tags: z.array(z.string()).optional(),
  disk_format: z.string().optional(),
  container_format: z.string().optional(),
  protected: z.boolean().optional(),
});

/** The record only: without data it stays `queued`. */
function create(call: Call): Reply {
  const { id, name, visibility, min_disk, min_ram, tags, protected: isProtected, ...rest } = call.read(Request);
  if (visibility === 'public' && !call.isAdmin)
    throw forbidden('You are not authorized to complete publicize_image action.');
  const now = Date.now();
  const image: Image = {
    id: id ?? call.cloud.newId(),
    name: name ?? '',
    owner: call.projectId,
    status: 'queued',
    visibility: visibility ?? 'shared',
    sizeBytes: 0,
    minDiskGib: min_disk ?? 0,
    minMemoryMib: min_ram ?? 0,
    tags: tags ?? [],
    properties: Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value as string)])),
    isProtected: isProtected ?? false,
    createdMs: now,
    updatedMs: now,
    seeded: false,
  };
  call.cloud.images.set(image.id, image);
  call.effect('created', 'image', image.id, textsOf(image));
  return created(view(image));
}

export const textsOf = (image: Image) => [image.name, ...image.tags, ...Object.values(image.properties)];

function remove(call: Call): Reply {
  const image = find(call);
  if (!call.isAdmin && image.owner !== call.caller.project?.id) {
    throw forbidden('You are not authorized to complete delete_image action.');
  }
  if (image.isProtected) throw forbidden(`Image ${image.id} is protected and cannot be deleted.`);
  call.cloud.images.delete(image.id);
  call.effect('deleted', 'image', image.id, textsOf(image));
  return noContent();
}

function addTag(call: Call): Reply {
  const image = find(call);
  image.tags = [...new Set([...image.tags, call.param('tag')])];
  call.effect('changed', 'image', image.id, textsOf(image));
  return noContent();
}

/** Properties lie flat beside the fields. */
function view(image: Image): JsonObject {
  return {
    disk_format: 'qcow2',
    container_format: 'bare',
    ...image.properties,
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    size: image.status === 'queued' ? null : image.sizeBytes,
    virtual_size: null,
    min_disk: image.minDiskGib,
    min_ram: image.minMemoryMib,
    owner: image.owner,
    tags: image.tags,
    checksum: image.status === 'queued' ? null : image.id.replaceAll('-', ''),
    os_hidden: false,
    protected: image.isProtected,
    created_at: isoSeconds(image.createdMs),
    updated_at: isoSeconds(image.updatedMs),
    file: `/v2/images/${image.id}/file`,
    self: `/v2/images/${image.id}`,
    schema: '/v2/schemas/image',
  };
}
