/** What the operator of a cloud offers: nobody's own. */
export interface Zone {
  id: string;
  name: string;
  networktype: 'Basic' | 'Advanced';
  securityGroups: boolean;
}

export interface Template {
  id: string;
  name: string;
  displaytext: string;
  ostypename: string;
  sizeGib: number;
  passwordEnabled: boolean;
  featured: boolean;
  ready: boolean;
  hypervisor: string;
  zoneIds: string[];
  created: number;
}

export interface ServiceOffering {
  id: string;
  name: string;
  displaytext: string;
  /** Null in a custom offering: deploy has to say. */
  cpuNumber: number | null;
  cpuSpeed: number | null;
  memoryMib: number | null;
  range: { minCpu: number; maxCpu: number; minMemory: number; maxMemory: number } | null;
  networkRate: number | null;
  tags: string | null;
  hostTags: string | null;
  storageType: string;
  offerHa: boolean;
  limitCpuUse: boolean;
  isSystem: boolean;
  systemVmType: string | null;
  rootDiskGib: number | null;
  seeded: boolean;
  created: number;
}

export interface DiskOffering {
  id: string;
  name: string;
  displaytext: string;
  diskGib: number | null;
  tags: string | null;
  storageType: string;
  seeded: boolean;
  created: number;
}

export interface NetworkOffering {
  id: string;
  name: string;
  displaytext: string;
  guestType: 'Isolated' | 'Shared' | 'L2';
  trafficType: string;
  forVpc: boolean;
  isDefault: boolean;
  availability: 'Required' | 'Optional';
  state: 'Enabled' | 'Disabled';
  networkRate: number | null;
  serviceOfferingId: string | null;
  conserveMode: boolean;
  persistent: boolean;
  services: { name: string; providers: string[] }[];
  seeded: boolean;
  created: number;
}

export interface VpcOffering {
  id: string;
  name: string;
  displaytext: string;
  state: 'Enabled' | 'Disabled';
  isDefault: boolean;
  created: number;
}
